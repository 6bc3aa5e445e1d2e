//! Measures how much of a budget is spent.

use super::Budget;
use std::time::Instant;

/// The number of iterations between two readings of the clock.
const STRIDE: u64 = 32;

/// Counts iterations, and measures time if the budget is a time.
#[derive(Debug)]
pub(super) struct Clock {
    budget: Budget,
    start: Instant,
    n_iterations: u64,
    spent: f64,
}

impl Clock {
    pub(super) fn start(budget: Budget) -> Self {
        let mut clock = Self {
            budget,
            start: Instant::now(),
            n_iterations: 0,
            spent: 0.0,
        };
        clock.look();
        clock
    }

    /// Counts one iteration. Returns the share of the budget that is spent, from 0 to 1; none if all of it is spent.
    pub(super) fn tick(&mut self) -> Option<f64> {
        let is_cheap = matches!(self.budget, Budget::Iterations(_));
        if is_cheap || self.n_iterations.is_multiple_of(STRIDE) {
            self.look();
        }
        self.n_iterations += 1;
        (self.spent < 1.0).then_some(self.spent)
    }

    /// Whether the whole budget is spent.
    pub(super) fn is_spent(&mut self) -> bool {
        self.look();
        self.spent >= 1.0
    }

    fn look(&mut self) {
        self.spent = match self.budget {
            Budget::Time(time) => self.start.elapsed().as_secs_f64() / time.as_secs_f64(),
            Budget::Iterations(n) => share(self.n_iterations, n),
        };
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a share of a budget needs no 64 bits"
)]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterations_are_counted_exactly() {
        for budget in [0, 1, 31, 32, 100] {
            let mut clock = Clock::start(Budget::Iterations(budget));
            let mut n_ticks = 0;
            while clock.tick().is_some() {
                n_ticks += 1;
            }
            assert_eq!(n_ticks, budget);
        }
    }

    #[test]
    fn no_time_is_spent_at_once() {
        let mut clock = Clock::start(Budget::Time(std::time::Duration::ZERO));
        assert_eq!(clock.tick(), None);
    }
}
