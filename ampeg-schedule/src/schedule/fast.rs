//! The best of several list schedules: better than HEFT, at a few times its cost.

use super::lookahead;
use super::placer::{Placement, Placer};
use super::problem::Problem;
use super::rank::{order_by, upward_ranks};
use crate::base::id::TaskId;

/// The best of several schedules:
///
/// - HEFT;
/// - HEFT's order, with each task placed where its successors can follow soonest;
/// - the same from the exit tasks backwards;
/// - all tasks on one processor;
/// - the best of those, packed backwards and forwards: list scheduling from the end, in the order of finish times,
///   and then from the start, in the order of the result.
///
/// So the schedule is never worse than HEFT's, or than one processor. Stops as soon as a schedule reaches `bound`, a
/// lower bound on the makespan.
///
/// # Source
///
/// Lookahead: after Bittencourt, Sakellariou and Madeira, "DAG scheduling using a lookahead variant of the
/// Heterogeneous Earliest Finish Time algorithm", PDP 2010. This version only tries the processors that can make a
/// difference.
/// Backwards and forwards: Li and Willis, "An iterative scheduling technique for resource-constrained project
/// scheduling", EJOR 56(3), 1992. This version chooses processors again each time.
pub(super) fn fast(problem: &Problem<'_>, bound: f64) -> Vec<Placement> {
    let ranks = upward_ranks(problem, 1.0);
    let order = order_by(problem, &ranks);
    let mut best = Best::new(bound, place_earliest(problem, &order));
    if best.is_optimal() {
        return best.placements;
    }
    best.offer(sequential(problem));
    best.offer_unless_optimal(|| lookahead::place_all(problem, &order, &ranks));
    best.offer_unless_optimal(|| backwards(problem));
    let start = best.placements.clone();
    pack(problem, &start, &mut best);
    best.placements
}

/// The best placements so far.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) placements: Vec<Placement>,
    pub(super) makespan: f64,
    bound: f64,
}

impl Best {
    pub(super) fn new(bound: f64, placements: Vec<Placement>) -> Self {
        Self {
            makespan: makespan(&placements),
            placements,
            bound,
        }
    }

    /// Keeps these placements if they are better.
    pub(super) fn offer(&mut self, placements: Vec<Placement>) {
        let makespan = makespan(&placements);
        if makespan < self.makespan {
            self.makespan = makespan;
            self.placements = placements;
        }
    }

    fn offer_unless_optimal(&mut self, placements: impl FnOnce() -> Vec<Placement>) {
        if !self.is_optimal() {
            self.offer(placements());
        }
    }

    /// Whether no schedule can be better, apart from rounding.
    pub(super) fn is_optimal(&self) -> bool {
        self.makespan <= self.bound * (1.0 + 1e-12)
    }
}

pub(super) fn makespan(placements: &[Placement]) -> f64 {
    placements
        .iter()
        .map(|placement| placement.finish)
        .fold(0.0, f64::max)
}

pub(super) fn place_earliest(problem: &Problem<'_>, order: &[TaskId]) -> Vec<Placement> {
    let mut placer = Placer::new(problem);
    placer.place_all_earliest(order);
    placer.placements
}

/// Places tasks in this order on the processors that they have in `placements`.
pub(super) fn place_like(
    problem: &Problem<'_>,
    order: &[TaskId],
    placements: &[Placement],
) -> Vec<Placement> {
    let mut placer = Placer::new(problem);
    for &task in order {
        placer.place_on(task, placements[task.index()].processor);
    }
    placer.placements
}

/// All tasks on the processor where they take the least time in total.
pub(super) fn sequential(problem: &Problem<'_>) -> Vec<Placement> {
    let tasks = problem.topological_order();
    let total = |processor: usize| -> f64 {
        let durations = tasks.iter().map(|&task| problem.duration(task, processor));
        durations.sum()
    };
    let different = if problem.is_equally_fast() {
        1
    } else {
        problem.n_processors()
    };
    let totals = (0..different).map(|processor| (total(processor), processor));
    let least = totals.min_by(|a, b| a.0.total_cmp(&b.0));
    let processor = least.map_or(0, |(_, processor)| processor);
    let mut placements = vec![Placement::default(); problem.n_tasks()];
    let mut time = 0.0;
    for &task in tasks {
        let start = time;
        time += problem.duration(task, processor);
        placements[task.index()] = Placement {
            processor,
            start,
            finish: time,
        };
    }
    placements
}

/// Lookahead from the exit tasks backwards. Then each task starts as early as possible on the processor that this
/// gave it.
pub(super) fn backwards(problem: &Problem<'_>) -> Vec<Placement> {
    let reversed = problem.reversed();
    let ranks = upward_ranks(&reversed, 1.0);
    let order = order_by(&reversed, &ranks);
    let placements = lookahead::place_all(&reversed, &order, &ranks);
    place_like(problem, &by_finish(problem, &placements), &placements)
}

/// The order of decreasing finish times, for scheduling in the opposite direction.
fn by_finish(problem: &Problem<'_>, placements: &[Placement]) -> Vec<TaskId> {
    let finishes: Vec<f64> = placements
        .iter()
        .map(|placement| placement.finish)
        .collect();
    order_by(problem, &finishes)
}

/// Packs `placements` backwards and forwards, and offers the results.
pub(super) fn pack(problem: &Problem<'_>, placements: &[Placement], best: &mut Best) {
    if best.is_optimal() {
        return;
    }
    let reversed = problem.reversed();
    let back = place_earliest(&reversed, &by_finish(&reversed, placements));
    let order = by_finish(problem, &back);
    best.offer(place_like(problem, &order, &back));
    best.offer(place_earliest(problem, &order));
}
