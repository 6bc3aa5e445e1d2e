//! Why something could not be done at all: [`Error`].

use crate::cost::CostErrorKind;
use crate::graph::GraphErrorKind;
use std::fmt;

/// Why a graph could not be built, scheduled or run.
///
/// What goes wrong inside one task is no `Error`, but that task's own `TaskError`.
pub struct Error {
    kind: Box<ErrorKind>,
}

/// One variant a module; each module words its own messages.
#[derive(Debug)]
pub(crate) enum ErrorKind {
    Cost(CostErrorKind),
    Graph(GraphErrorKind),
}

impl From<CostErrorKind> for Error {
    fn from(kind: CostErrorKind) -> Self {
        Self {
            kind: Box::new(ErrorKind::Cost(kind)),
        }
    }
}

impl From<GraphErrorKind> for Error {
    fn from(kind: GraphErrorKind) -> Self {
        Self {
            kind: Box::new(ErrorKind::Graph(kind)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ErrorKind::Cost(kind) => kind.fmt(f),
            ErrorKind::Graph(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `main` prints its error with `Debug`: the message is what a reader needs there.
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {}
