//! Why something could not be done at all: [`Error`].

use crate::cost::CostErrorKind;
use crate::family_error::FamilyErrorKind;
use crate::graph::GraphErrorKind;
use crate::run_error::RunErrorKind;
use crate::schedule::ScheduleErrorKind;
use std::fmt;
use std::sync::Arc;

/// Why a graph could not be built, scheduled or run.
///
/// What goes wrong inside one task is no `Error`, but that task's own `TaskError`.
#[derive(Clone)]
pub struct Error {
    kind: Arc<ErrorKind>,
}

/// One variant a module; each module words its own messages.
#[derive(Debug)]
pub(crate) enum ErrorKind {
    Cost(CostErrorKind),
    Family(FamilyErrorKind),
    Graph(GraphErrorKind),
    Run(RunErrorKind),
    Schedule(ScheduleErrorKind),
}

impl From<ScheduleErrorKind> for Error {
    fn from(kind: ScheduleErrorKind) -> Self {
        Self {
            kind: Arc::new(ErrorKind::Schedule(kind)),
        }
    }
}

impl From<CostErrorKind> for Error {
    fn from(kind: CostErrorKind) -> Self {
        Self {
            kind: Arc::new(ErrorKind::Cost(kind)),
        }
    }
}

impl From<FamilyErrorKind> for Error {
    fn from(kind: FamilyErrorKind) -> Self {
        Self {
            kind: Arc::new(ErrorKind::Family(kind)),
        }
    }
}

impl From<GraphErrorKind> for Error {
    fn from(kind: GraphErrorKind) -> Self {
        Self {
            kind: Arc::new(ErrorKind::Graph(kind)),
        }
    }
}

impl From<RunErrorKind> for Error {
    fn from(kind: RunErrorKind) -> Self {
        Self {
            kind: Arc::new(ErrorKind::Run(kind)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ErrorKind::Cost(kind) => kind.fmt(f),
            ErrorKind::Family(kind) => kind.fmt(f),
            ErrorKind::Graph(kind) => kind.fmt(f),
            ErrorKind::Run(kind) => kind.fmt(f),
            ErrorKind::Schedule(kind) => kind.fmt(f),
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
