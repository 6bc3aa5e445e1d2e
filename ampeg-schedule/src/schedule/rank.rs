//! The priorities of tasks, and the order by priority.

use super::arrivals::later;
use super::problem::Problem;
use super::sort::sort_spread;
use crate::base::id::TaskId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The upward rank of each task: the longest path from it to an exit task, itself included.
///
/// Each task counts with its mean duration, and each dependency with its mean communication cost times
/// `communication`. Takes O(n + e) time.
pub(crate) fn upward_ranks(problem: &Problem<'_>, communication: f64) -> Vec<f64> {
    let scale = problem.mean_communication * communication;
    let mut ranks = vec![0.0; problem.n_tasks()];
    for &task in problem.topological_order().iter().rev() {
        let successors = problem.successors(task).iter();
        let rest = successors
            .map(|successor| successor.cost.value() * scale + ranks[successor.task.index()])
            .fold(0.0, later);
        ranks[task.index()] = problem.mean_duration(task) + rest;
    }
    ranks
}

/// The downward rank of each task: the longest path from an entry task to it, without the task itself.
pub(crate) fn downward_ranks(problem: &Problem<'_>) -> Vec<f64> {
    let mut ranks = vec![0.0; problem.n_tasks()];
    for &task in problem.topological_order() {
        let predecessors = problem.predecessors(task).iter();
        ranks[task.index()] = predecessors
            .map(|predecessor| {
                ranks[predecessor.task.index()]
                    + problem.mean_duration(predecessor.task)
                    + predecessor.cost.value() * problem.mean_communication
            })
            .fold(0.0, later);
    }
    ranks
}

/// All tasks by decreasing priority, but each after its predecessors. Ties go to the smaller id.
///
/// If priorities contradict dependencies, the next task is always the first one whose predecessors are done.
pub(crate) fn order_by(problem: &Problem<'_>, priorities: &[f64]) -> Vec<TaskId> {
    let tasks = problem.graph.task_ids();
    let mut ranked: Vec<(f64, TaskId)> =
        tasks.map(|task| (priorities[task.index()], task)).collect();
    // Sorting keeps the order of equal items, which is by id.
    let compare = |a: &(f64, TaskId), b: &(f64, TaskId)| b.0.total_cmp(&a.0);
    sort_spread(
        &mut ranked,
        &mut Vec::new(),
        |&(priority, _)| -priority,
        compare,
    );
    let order: Vec<TaskId> = ranked.into_iter().map(|(_, task)| task).collect();
    if respects_dependencies(problem, priorities) {
        order
    } else {
        ready_order(problem, &order)
    }
}

/// Whether priorities alone put each task after its predecessors.
///
/// The tasks are visited in their order in memory.
fn respects_dependencies(problem: &Problem<'_>, priorities: &[f64]) -> bool {
    problem.graph.task_ids().all(|task| {
        let priority = priorities[task.index()];
        problem.predecessors(task).iter().all(|predecessor| {
            let before = priorities[predecessor.task.index()];
            before > priority || (before == priority && predecessor.task < task)
        })
    })
}

/// The order nearest to `wanted` that respects the dependencies.
fn ready_order(problem: &Problem<'_>, wanted: &[TaskId]) -> Vec<TaskId> {
    let mut position = vec![0; wanted.len()];
    for (index, task) in wanted.iter().enumerate() {
        position[task.index()] = index;
    }
    let mut n_open: Vec<usize> = problem
        .graph
        .task_ids()
        .map(|task| problem.predecessors(task).len())
        .collect();
    let mut ready: BinaryHeap<Reverse<usize>> = problem
        .graph
        .task_ids()
        .filter(|task| n_open[task.index()] == 0)
        .map(|task| Reverse(position[task.index()]))
        .collect();
    let mut order = Vec::with_capacity(wanted.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(wanted[index]);
        for successor in problem.successors(wanted[index]) {
            let n_open = &mut n_open[successor.task.index()];
            *n_open -= 1;
            if *n_open == 0 {
                ready.push(Reverse(position[successor.task.index()]));
            }
        }
    }
    order
}
