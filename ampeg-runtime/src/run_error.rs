//! Why a graph could not be run at all.

use std::fmt;

#[derive(Debug, Clone)]
pub(crate) enum RunErrorKind {
    /// A captured name could not be encoded.
    Capture { name: String, reason: String },
    /// A clause of a task has a value out of range.
    Clause {
        task: String,
        clause: &'static str,
        reason: String,
    },
}

impl fmt::Display for RunErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capture { name, reason } => {
                write!(
                    f,
                    "the value of `{name}` cannot be sent to workers: {reason}"
                )
            }
            Self::Clause {
                task,
                clause,
                reason,
            } => write!(f, "`{clause}` of task `{task}`: {reason}"),
        }
    }
}
