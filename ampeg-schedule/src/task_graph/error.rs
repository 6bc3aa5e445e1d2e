//! The reasons why a graph could not be built.

use crate::base::error::{Error, ErrorKind};
use std::fmt;

/// The reason why a graph could not be built.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "public for the runtime only")]
pub enum GraphErrorKind {
    /// The names along the cycle. The last name is the first one again.
    Cycle(Vec<String>),
    UnknownName {
        name: String,
        dependency: String,
    },
    DuplicateName(String),
    UnknownId {
        index: usize,
        n_tasks: usize,
    },
    TaskCost {
        task: String,
        reason: String,
    },
    DependencyCost {
        dependency: String,
        reason: String,
    },
    CostColumns {
        task: String,
        found: usize,
        expected: usize,
    },
    /// A cost that is a number, and a cost that is a `Duration`.
    Units {
        number: String,
        duration: String,
    },
    Several(Vec<GraphErrorKind>),
}

impl From<GraphErrorKind> for Error {
    fn from(kind: GraphErrorKind) -> Self {
        Self::of(ErrorKind::InvalidGraph, kind)
    }
}

impl fmt::Display for GraphErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(path) if path.len() == 2 => {
                write!(f, "task `{}` depends on itself", path[0])
            }
            Self::Cycle(path) => {
                write!(f, "the dependencies form a cycle: {}", path.join(" → "))
            }
            Self::UnknownName { name, dependency } => {
                write!(
                    f,
                    "no task is named `{name}`, in the dependency {dependency}"
                )
            }
            Self::DuplicateName(name) => write!(f, "two tasks are named `{name}`"),
            Self::UnknownId { index, n_tasks } => {
                write!(f, "no task has the id {index}: there are {n_tasks} tasks")
            }
            Self::TaskCost { task, reason } => write!(f, "task `{task}`: {reason}"),
            Self::DependencyCost { dependency, reason } => {
                write!(f, "dependency {dependency}: {reason}")
            }
            Self::CostColumns {
                task,
                found,
                expected,
            } => write!(
                f,
                "task `{task}` has {found} costs, where others have one for each of {expected} processors"
            ),
            Self::Units { number, duration } => write!(
                f,
                "{duration} is a `Duration`, and {number} is a number without a unit: \
                 give all costs of a graph in one unit (a `Duration` counts in seconds)"
            ),
            Self::Several(kinds) => {
                for (index, kind) in kinds.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{kind}")?;
                }
                Ok(())
            }
        }
    }
}
