//! Search: spends a stated budget on making a good schedule better.

mod anneal;
mod clock;
mod edges;
mod state;

use super::fast::{self, Best};
use super::placer::Placement;
use super::problem::Problem;
use clock::Clock;
use std::time::Duration;

/// How much may be spent on a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Wall-clock time, all of scheduling included. The result may differ from run to run.
    Time(Duration),
    /// Changes that are tried. The result is the same each time.
    Iterations(u64),
}

/// Local search, from the schedule of [`Policy::Fast`](super::Policy::Fast) on.
///
/// It moves tasks, most of them critical ones, to other processors and other places in the order, alone or with a neighbour; a change for the worse is accepted at times, and ever less often (simulated annealing).
/// `Fast` is run however small the budget is; the search ends when the budget is spent, or when the makespan meets a lower bound.
/// Never worse than `Fast`, nor than HEFT, nor than one processor; deterministic for a given seed and number of iterations.
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

    /// The same with another seed of its random choices.
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
