//! The operands of clauses: costs, durations and counts.

use crate::cost::{Cost, IntoCost};
use crate::error::Error;
use std::fmt;
use std::time::Duration;

/// The limits of one statement as written.
#[derive(Debug)]
pub struct Limit {
    /// What `within` gives.
    pub within: Option<Result<Duration, String>>,
    /// What `retry` gives.
    pub retry: Option<Result<u32, String>>,
}

/// The cost that an expression behind `@` or `via` gives.
///
/// # Errors
///
/// If it is negative, not finite, or absurdly large.
pub fn cost(value: impl IntoCost) -> Result<Cost, Error> {
    value.into_cost()
}

/// The duration that an expression behind `within` gives: a `Duration`, or a number of seconds.
///
/// # Errors
///
/// If it is negative or not finite.
pub fn duration(value: impl IntoCost) -> Result<Duration, String> {
    let seconds = value
        .into_cost()
        .map_err(|error| error.to_string())?
        .value();
    // What no clock can count is no limit.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The count that an expression behind `retry` gives.
///
/// # Errors
///
/// If it does not fit 32 bits, or is negative.
pub fn count(value: impl IntoCount) -> Result<u32, String> {
    value.into_count()
}

/// What can be given as a count: whole numbers.
#[diagnostic::on_unimplemented(message = "`{Self}` is no count", label = "expected a whole number")]
pub trait IntoCount {
    /// The count that this stands for.
    ///
    /// # Errors
    ///
    /// If it does not fit 32 bits, or is negative.
    fn into_count(self) -> Result<u32, String>;
}

#[diagnostic::do_not_recommend]
impl<N: TryInto<u32> + fmt::Display + Copy> IntoCount for N {
    fn into_count(self) -> Result<u32, String> {
        self.try_into()
            .map_err(|_| format!("{self} is no count from 0 to {}", u32::MAX))
    }
}
