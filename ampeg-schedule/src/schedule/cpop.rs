//! CPOP: the critical path on one processor, all other tasks where they finish earliest.

use super::placer::{Placement, Placer};
use super::problem::Problem;
use super::rank::{downward_ranks, order_by, upward_ranks};
use crate::base::id::TaskId;

/// Places all tasks of a critical path on the processor where they take the least time in total, and every other task
/// where it finishes earliest.
///
/// Among the tasks whose predecessors are placed, the next one has the largest sum of upward and downward rank. Ties
/// go to the smaller task id, and to the smaller processor id. Takes O(n log n + e + n·p) time, except for the search
/// for gaps.
///
/// # Source
///
/// Topcuoglu, Hariri and Wu, "Performance-effective and low-complexity task scheduling for heterogeneous computing", IEEE TPDS 13(3), 2002.
pub(super) fn cpop(problem: &Problem<'_>) -> Vec<Placement> {
    let mut priorities = upward_ranks(problem, 1.0);
    for (priority, rank) in priorities.iter_mut().zip(downward_ranks(problem)) {
        *priority += rank;
    }
    let path = critical_path(problem, &priorities);
    let home = best_processor(problem, &path);
    let mut is_critical = vec![false; problem.n_tasks()];
    for task in path {
        is_critical[task.index()] = true;
    }
    let mut placer = Placer::new(problem);
    for task in order_by(problem, &priorities) {
        if is_critical[task.index()] {
            placer.place_on(task, home);
        } else {
            placer.place_earliest(task);
        }
    }
    placer.placements
}

/// Starts with the entry task of highest priority, and continues with the successor of highest priority.
fn critical_path(problem: &Problem<'_>, priorities: &[f64]) -> Vec<TaskId> {
    let highest = |a: &TaskId, b: &TaskId| {
        let by_priority = priorities[a.index()].total_cmp(&priorities[b.index()]);
        by_priority.then(b.cmp(a))
    };
    let tasks = problem.graph.task_ids();
    let entries = tasks.filter(|&task| problem.predecessors(task).is_empty());
    let mut path: Vec<TaskId> = entries.max_by(highest).into_iter().collect();
    while let Some(&task) = path.last() {
        let successors = problem.successors(task).iter().map(|s| s.task);
        match successors.max_by(highest) {
            Some(next) => path.push(next),
            None => break,
        }
    }
    path
}

/// The processor where these tasks take the least time in total.
fn best_processor(problem: &Problem<'_>, path: &[TaskId]) -> usize {
    let total = |processor: usize| -> f64 {
        path.iter()
            .map(|&task| problem.duration(task, processor))
            .sum()
    };
    (0..problem.n_processors())
        .map(|processor| (total(processor), processor))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0, |(_, processor)| processor)
}
