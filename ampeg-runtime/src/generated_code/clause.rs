//! The operands of clauses other than costs: durations and counts.

use ampeg_schedule::IntoCost;
use std::fmt;
use std::time::Duration;

/// The limits of one statement, as written.
#[derive(Debug)]
pub struct Limit {
    /// The value of the `within` clause.
    pub within: Option<Result<Duration, String>>,
    /// The value of the `retry` clause.
    pub retry: Option<Result<u32, String>>,
}

/// The values of a `within` clause: a `Duration`, or a number of seconds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration",
    label = "expected a `Duration`, or a number of seconds"
)]
pub trait IntoDuration {
    /// The duration.
    ///
    /// # Errors
    ///
    /// If the duration is negative or not finite.
    fn into_duration(self) -> Result<Duration, String>;
}

#[diagnostic::do_not_recommend]
impl<C: IntoCost> IntoDuration for C {
    fn into_duration(self) -> Result<Duration, String> {
        let cost = self.into_cost().map_err(|error| error.to_string())?;
        // A duration that is too long for the clock is no limit.
        Ok(Duration::try_from_secs_f64(cost.value()).unwrap_or(Duration::MAX))
    }
}

/// The values of a `retry` clause: whole numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a count",
    label = "expected a whole number"
)]
pub trait IntoCount {
    /// The count.
    ///
    /// # Errors
    ///
    /// If the number is negative or does not fit in 32 bits.
    fn into_count(self) -> Result<u32, String>;
}

#[diagnostic::do_not_recommend]
impl<N: TryInto<u32> + fmt::Display + Copy> IntoCount for N {
    fn into_count(self) -> Result<u32, String> {
        self.try_into()
            .map_err(|_| format!("{self} is not a count from 0 to {}", u32::MAX))
    }
}
