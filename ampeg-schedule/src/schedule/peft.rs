//! PEFT: earliest finish plus the optimistic cost of the following tasks.

use super::placer::{Placement, Placer};
use super::problem::Problem;
use super::rank::order_by;
use crate::base::id::TaskId;
use crate::task_graph::cost::count;

/// Places every task where the sum of its finish and of the optimistic cost of the following tasks is least.
///
/// Among the tasks whose predecessors are placed, the next one has the largest mean optimistic cost. Ties go to the
/// smaller task id, and to the smaller processor id. Takes O(n log n + e·p) time, except for the search for gaps.
///
/// # Source
///
/// Arabnejad and Barbosa, "List scheduling algorithm for heterogeneous systems by an optimistic cost table", IEEE TPDS 25(3), 2014.
pub(super) fn peft(problem: &Problem<'_>) -> Vec<Placement> {
    let n_processors = problem.n_processors();
    let table = optimistic_costs(problem);
    let ranks: Vec<f64> = table
        .chunks_exact(n_processors)
        .map(|row| row.iter().sum::<f64>() / count(n_processors))
        .collect();
    let mut placer = Placer::new(problem);
    for task in order_by(problem, &ranks) {
        let row = &table[task.index() * n_processors..][..n_processors];
        let processor = best_processor(&placer, task, row);
        placer.place_on(task, processor);
    }
    placer.placements
}

/// By task and processor: the longest path from there to an exit task, if each task ran on its best processor.
///
/// If a successor is on another processor, communication counts with its mean cost.
pub(super) fn optimistic_costs(problem: &Problem<'_>) -> Vec<f64> {
    let n_processors = problem.n_processors();
    let mut table = vec![0.0_f64; problem.n_tasks() * n_processors];
    let mut here = vec![0.0_f64; n_processors];
    for &task in problem.topological_order().iter().rev() {
        here.fill(0.0);
        for successor in problem.successors(task) {
            let row = &table[successor.task.index() * n_processors..][..n_processors];
            let from =
                |processor: usize| row[processor] + problem.duration(successor.task, processor);
            let elsewhere = (0..n_processors).map(from).fold(f64::INFINITY, f64::min)
                + successor.cost.value() * problem.mean_communication;
            for (processor, here) in here.iter_mut().enumerate() {
                *here = here.max(from(processor).min(elsewhere));
            }
        }
        table[task.index() * n_processors..][..n_processors].copy_from_slice(&here);
    }
    table
}

fn best_processor(placer: &Placer<'_, '_>, task: TaskId, row: &[f64]) -> usize {
    let ready = placer.ready(task);
    let sum = |processor: usize| {
        let start = placer.earliest_start(task, processor, ready);
        start + placer.problem.duration(task, processor) + row[processor]
    };
    (0..row.len())
        .map(|processor| (sum(processor), processor))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0, |(_, processor)| processor)
}
