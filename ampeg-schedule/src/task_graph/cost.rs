//! The cost of a computation or a transfer, [`Cost`], and points in a schedule, [`Time`].
//!
//! Both are in the unit of the user's costs. Nothing in this module reads a clock.

use crate::base::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// The time that a task takes on a processor, or that a result takes to another processor.
///
/// A cost is a number from 0 to [`Cost::MAX`] in any unit, which must be the same for all costs of a graph.
/// The bound is far above any real cost, and keeps every sum of costs finite.
///
/// ```
/// use ampeg::Cost;
///
/// assert!(Cost::new(2.5)? < Cost::new(3.0)?);
/// assert!(Cost::new(-1.0).is_err());
/// assert!(Cost::new(f64::NAN).is_err());
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Cost(f64);

impl Cost {
    /// Zero, the default for a dependency.
    pub const ZERO: Self = Self(0.0);
    /// One unit, the default for a task.
    pub const ONE: Self = Self(1.0);
    /// The largest cost, 10¹⁰⁰.
    pub const MAX: Self = Self(1e100);

    /// A cost of `value`.
    ///
    /// # Errors
    ///
    /// If `value` is negative, above [`Cost::MAX`], or not a number.
    pub fn new(value: f64) -> Result<Self, Error> {
        Self::checked(value).ok_or_else(|| CostErrorKind::OutOfRange(value).into())
    }

    /// The number itself.
    pub const fn value(self) -> f64 {
        self.0
    }

    pub(crate) fn checked(value: f64) -> Option<Self> {
        // Adding zero turns -0.0, which would sort below 0.0, into 0.0.
        (0.0..=Self::MAX.0)
            .contains(&value)
            .then_some(Self(value + 0.0))
    }
}

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<f64> for Cost {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Cost> for f64 {
    fn from(cost: Cost) -> Self {
        cost.0
    }
}

impl From<Duration> for Cost {
    /// The seconds of `duration`.
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

/// Types that convert into a cost: numbers, durations (in seconds) and costs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cost",
    label = "expected a number or a `Duration`"
)]
pub trait IntoCost {
    /// Converts the value into a cost.
    ///
    /// # Errors
    ///
    /// If the value is out of the range of [`Cost::new`].
    fn into_cost(self) -> Result<Cost, Error>;

    /// The cost and its unit.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`into_cost`](Self::into_cost).
    #[doc(hidden)]
    fn given(self) -> Result<GivenCost, Error>
    where
        Self: Sized,
    {
        Ok(GivenCost::new(self.into_cost()?, None))
    }

    /// Adds the cost to the evaluated costs of a graph.
    #[doc(hidden)]
    fn push_to(self, costs: &mut EvaluatedCosts)
    where
        Self: Sized,
    {
        costs.next.push_back(self.given());
    }
}

/// A cost as the user has written it.
#[derive(Debug, Clone, Copy)]
pub struct GivenCost {
    /// The cost.
    pub cost: Cost,
    /// `None` for zero, and for a cost that the user has not written.
    pub unit: Option<Unit>,
}

/// The unit of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number without a unit.
    Number,
    /// Seconds, from a `Duration`.
    Second,
}

impl GivenCost {
    fn new(cost: Cost, unit: Option<Unit>) -> Self {
        let unit = unit.filter(|_| cost > Cost::ZERO);
        Self { cost, unit }
    }

    /// A cost from a number without a unit.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Cost::new`].
    pub fn number(value: f64) -> Result<Self, Error> {
        Ok(Self::new(Cost::new(value)?, Some(Unit::Number)))
    }

    /// The cost of a task without a written cost.
    ///
    /// # Errors
    ///
    /// Never fails.
    pub fn unwritten() -> Result<Self, Error> {
        Ok(Self::new(Cost::ONE, None))
    }
}

impl IntoCost for Cost {
    fn into_cost(self) -> Result<Cost, Error> {
        Ok(self)
    }
}

impl IntoCost for Duration {
    fn into_cost(self) -> Result<Cost, Error> {
        Ok(self.into())
    }

    fn given(self) -> Result<GivenCost, Error> {
        Ok(GivenCost::new(self.into(), Some(Unit::Second)))
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoCost + Copy> IntoCost for &T {
    fn into_cost(self) -> Result<Cost, Error> {
        (*self).into_cost()
    }

    fn given(self) -> Result<GivenCost, Error> {
        (*self).given()
    }
}

macro_rules! into_cost {
    ($($number:ty),*) => {$(
        impl IntoCost for $number {
            #[allow(
                clippy::cast_precision_loss, clippy::cast_lossless,
                reason = "a cost is an estimate: 53 bits are plenty, and not every type has a lossless cast"
            )]
            fn into_cost(self) -> Result<Cost, Error> {
                Cost::new(self as f64)
            }

            fn given(self) -> Result<GivenCost, Error> {
                Ok(GivenCost::new(self.into_cost()?, Some(Unit::Number)))
            }
        }
    )*};
}

into_cost!(
    f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

/// The evaluated costs of a graph, in the order of their use.
///
/// Generated code adds costs one by one. A list expression would compile slowly: each expression of the user may
/// panic, and rustc would generate code that drops the results before it.
#[derive(Debug)]
pub struct EvaluatedCosts {
    next: VecDeque<Result<GivenCost, Error>>,
    last: Result<GivenCost, Error>,
}

impl EvaluatedCosts {
    /// In the lists of generated code: the next evaluated cost. Written costs are never negative.
    pub const NEXT: f64 = -1.0;
    /// In the lists of generated code: the last evaluated cost again.
    pub const AGAIN: f64 = -2.0;
    /// In the lists of generated code: a cost that the user has not written.
    pub const UNWRITTEN: f64 = -3.0;

    /// An empty list.
    #[allow(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self {
            next: VecDeque::new(),
            last: Ok(GivenCost::new(Cost::ZERO, None)),
        }
    }

    /// The cost for a number in the lists of generated code, which is a cost or one of the constants.
    ///
    /// # Errors
    ///
    /// If the cost is out of range.
    pub fn cost(&mut self, number: f64) -> Result<GivenCost, Error> {
        if number >= 0.0 {
            return GivenCost::number(number);
        }
        if number == Self::UNWRITTEN {
            return GivenCost::unwritten();
        }
        if number == Self::NEXT
            && let Some(next) = self.next.pop_front()
        {
            self.last = next;
        }
        self.last.clone()
    }
}

/// A point in a schedule, counted from its start, in the unit of the costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Time(f64);

impl Time {
    /// The start of a schedule.
    pub const ZERO: Self = Self(0.0);

    /// The time `value` after the start.
    ///
    /// # Errors
    ///
    /// If `value` is negative, infinite or not a number.
    pub fn new(value: f64) -> Result<Self, Error> {
        if value >= 0.0 && value.is_finite() {
            Ok(Self(value + 0.0))
        } else {
            Err(CostErrorKind::Time(value).into())
        }
    }

    /// The number itself.
    pub const fn value(self) -> f64 {
        self.0
    }

    /// A sum of costs, which is finite and not negative, because costs are.
    pub(crate) const fn from_sum(value: f64) -> Self {
        debug_assert!(value >= 0.0 && value.is_finite());
        Self(value)
    }
}

impl TryFrom<f64> for Time {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<Time> for f64 {
    fn from(time: Time) -> Self {
        time.value()
    }
}

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug)]
pub(crate) enum CostErrorKind {
    OutOfRange(f64),
    Time(f64),
}

impl From<CostErrorKind> for Error {
    fn from(kind: CostErrorKind) -> Self {
        Self::of(ErrorKind::InvalidGraph, kind)
    }
}

impl fmt::Display for CostErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange(value) => {
                write!(
                    f,
                    "a cost must be a number from 0 to 1e100, but this one is {value:?}"
                )
            }
            Self::Time(value) => {
                write!(
                    f,
                    "a time must be finite and not negative, but this one is {value:?}"
                )
            }
        }
    }
}

/// A count as a floating-point number.
#[allow(
    clippy::cast_precision_loss,
    reason = "no count of tasks or processors comes near 2^53"
)]
pub(crate) const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_costs() {
        assert_eq!(3.into_cost().unwrap().value(), 3.0);
        assert_eq!(2.5.into_cost().unwrap().value(), 2.5);
        assert_eq!((&7_u8).into_cost().unwrap().value(), 7.0);
        let half = Duration::from_millis(500);
        assert_eq!(half.into_cost().unwrap().value(), 0.5);
    }

    #[test]
    fn costs_out_of_range_are_refused() {
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e101] {
            assert!(Cost::new(value).is_err(), "{value}");
        }
        assert!((-1).into_cost().is_err());
        let error = Cost::new(-2.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a cost must be a number from 0 to 1e100, but this one is -2.5"
        );
        let huge = Cost::new(1e308).unwrap_err().to_string();
        assert!(huge.ends_with("but this one is 1e308"), "{huge}");
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(Cost::new(-0.0).unwrap().cmp(&Cost::ZERO), Ordering::Equal);
    }
}
