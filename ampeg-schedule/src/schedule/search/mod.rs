//! Local search that improves a schedule within a budget.

mod anneal;
mod clock;
mod edges;
mod state;

use super::fast::{self, Best};
use super::placer::Placement;
use super::problem::Problem;
use clock::Clock;
use std::time::Duration;

/// The limit of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Wall-clock time, including all of scheduling. The result may differ from run to run.
    Time(Duration),
    /// The number of changes that are tried. The result is the same each time.
    Iterations(u64),
}

/// Local search that begins with the schedule of [`Policy::Fast`](super::Policy::Fast).
///
/// The search moves tasks, mostly critical ones, to other processors and other positions in the order, alone or with a
/// neighbor. It also accepts some changes for the worse, but fewer and fewer (simulated annealing).
/// `Fast` runs even if the budget is smaller. The search ends when the budget is spent, or when the makespan equals a
/// lower bound.
/// The schedule is never worse than that of `Fast`, of HEFT, or of one processor. A search is deterministic for a given
/// seed and number of iterations.
///
/// ```
/// use ampeg::schedule::Search;
/// use std::time::Duration;
///
/// let for_a_second = Search::for_time(Duration::from_secs(1));
/// let reproducible = Search::for_iterations(100_000).with_seed(7);
/// ```
///
/// # Source
///
/// Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated annealing", Science 220, 1983.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    budget: Budget,
    seed: u64,
}

impl Search {
    /// A search with this budget.
    pub const fn new(budget: Budget) -> Self {
        Self { budget, seed: 0 }
    }

    /// A search that takes about this long.
    pub const fn for_time(time: Duration) -> Self {
        Self::new(Budget::Time(time))
    }

    /// A search that tries this many changes.
    pub const fn for_iterations(n: u64) -> Self {
        Self::new(Budget::Iterations(n))
    }

    /// Sets the seed of the random choices.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(super) fn run(&self, problem: &Problem<'_>, bound: f64) -> Vec<Placement> {
        let mut clock = Clock::start(self.budget);
        let mut best = Best::new(bound, fast::fast(problem, bound));
        let is_easy = problem.n_tasks() < 2 || problem.n_processors() < 2 || best.is_optimal();
        if is_easy || clock.is_spent() {
            return best.placements;
        }
        anneal::anneal(problem, clock, self.seed, &mut best);
        let found = best.placements.clone();
        fast::pack(problem, &found, &mut best);
        best.placements
    }
}
