//! Why something could not be done at all: [`Error`].

use std::fmt;
use std::sync::Arc;

/// Why a graph could not be built, scheduled or run.
///
/// What goes wrong inside one task is no `Error`, but that task's own `TaskError`.
#[derive(Clone)]
pub struct Error(Arc<dyn fmt::Display + Send + Sync>);

impl Error {
    /// An error with the message of `reason`, a type of the module in which it occurs.
    pub(crate) fn new(reason: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self(Arc::new(reason))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `main` prints its error with `Debug`: the message is what a reader needs there.
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {}
