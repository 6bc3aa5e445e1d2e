//! Why something could not be done at all: [`Error`].

use std::fmt;
use std::sync::Arc;

/// Why a graph could not be built, scheduled or run.
///
/// A task that fails does not make `run` fail: its output holds a `TaskError`.
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
#[derive(Clone)]
pub struct Error(Arc<dyn fmt::Display + Send + Sync>);

impl Error {
    /// An error with the message of `reason`, as a [`Scheduler`](crate::Scheduler) of one's own returns it.
    ///
    /// ```
    /// let error = ampeg::Error::new("no processor has a GPU");
    /// assert_eq!(error.to_string(), "no processor has a GPU");
    /// ```
    pub fn new(reason: impl fmt::Display + Send + Sync + 'static) -> Self {
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
