//! The error of a graph that could not be built, scheduled or run: [`Error`].

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Why a graph could not be built, scheduled or run.
///
/// If a task fails, `run` still succeeds, and the output of the task is a `TaskError`.
/// A `TaskError` converts into an `Error`, so that a function that runs a graph needs only one type of error:
///
/// ```
/// use ampeg::{Error, graph};
///
/// fn double(text: &str) -> Result<i32, Error> {
///     let outcome = graph! { number: i32 = text.parse()?; double = number * 2; }.run(1)?;
///     Ok(outcome.double?)
/// }
///
/// assert_eq!(double("21").unwrap(), 42);
/// assert!(double("x").unwrap_err().to_string().contains("invalid digit"));
/// ```
///
/// [`kind`](Self::kind) returns its kind, and [`downcast_ref`](Self::downcast_ref) the `TaskError` that it was made from:
///
/// ```
/// use ampeg::{Error, ErrorKind, Pool, TaskError, graph};
///
/// fn half(text: &str) -> Result<i32, Error> {
///     Ok(graph! { number: i32 = text.parse()?; half = number / 2; }.run(1)?.half?)
/// }
///
/// let error = half("x").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Task);
/// assert_eq!(error.downcast_ref::<TaskError>().unwrap().root().task(), "number");
/// assert_eq!(Pool::new(0).unwrap_err().kind(), ErrorKind::InvalidSetting);
/// ```
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    reason: Arc<dyn Reason>,
}

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The graph: a cost, a captured value, a clause, a cycle, or the members of a family.
    InvalidGraph,
    /// A schedule: it does not fit the graph or the workers.
    InvalidSchedule,
    /// A setting of a pool, or an environment variable.
    InvalidSetting,
    /// The workers: they could not be started, or are lost.
    Workers,
    /// A task that runs graphs: it would wait for itself, or pools are nested too deep.
    Nesting,
    /// A task that failed: a `TaskError` was converted.
    Task,
    /// An error from [`Error::new`].
    Other,
}

/// The reason of an error, which can be downcast to its type.
trait Reason: fmt::Display + Any + Send + Sync {
    fn as_any(&self) -> &dyn Any;
}

impl<T: fmt::Display + Any + Send + Sync> Reason for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Error {
    /// An error with the message of `reason`, for a custom [`Scheduler`](crate::Scheduler).
    ///
    /// ```
    /// let error = ampeg::Error::new("no processor has a GPU");
    /// assert_eq!(error.to_string(), "no processor has a GPU");
    /// ```
    pub fn new(reason: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self::of(ErrorKind::Other, reason)
    }

    #[doc(hidden)]
    pub fn of(kind: ErrorKind, reason: impl fmt::Display + Send + Sync + 'static) -> Self {
        let reason = Arc::new(reason);
        Self { kind, reason }
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The reason of the error, if it has this type: a converted `TaskError`, or the argument of [`new`](Self::new).
    pub fn downcast_ref<T: fmt::Display + Send + Sync + 'static>(&self) -> Option<&T> {
        (*self.reason).as_any().downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `main` prints its error with `Debug`, and the reader needs the message.
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {}
