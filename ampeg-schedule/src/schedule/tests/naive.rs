//! The simplest implementations, for comparison.

use crate::base::id::{ProcessorId, TaskId};
use crate::schedule::Processors;
use crate::task_graph::TaskGraph;

/// The time of a task on a processor.
fn duration(
    graph: &TaskGraph,
    processors: &Processors,
    task: TaskId,
    processor: ProcessorId,
) -> f64 {
    graph.cost(task, processor).value() / processors.speed(processor)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / crate::task_graph::cost::count(values.len())
}

/// Upward ranks, computed by visiting all dependencies once for each task.
fn ranks(graph: &TaskGraph, processors: &Processors) -> Vec<f64> {
    let pairs = processors
        .ids()
        .flat_map(|a| processors.ids().map(move |b| (a, b)));
    let apart = pairs.filter(|(a, b)| a != b);
    let factors: Vec<f64> = apart.map(|(a, b)| processors.communication(a, b)).collect();
    let factor = if factors.is_empty() {
        1.0
    } else {
        mean(&factors)
    };
    let own = |task| {
        let ids = processors.ids();
        mean(
            &ids.map(|p| duration(graph, processors, task, p))
                .collect::<Vec<_>>(),
        )
    };
    let mut ranks: Vec<f64> = graph.task_ids().map(own).collect();
    for _ in graph.task_ids() {
        for task in graph.task_ids() {
            for successor in graph.successors(task) {
                let path = successor.cost.value() * factor + ranks[successor.task.index()];
                ranks[task.index()] = ranks[task.index()].max(own(task) + path);
            }
        }
    }
    ranks
}

/// Start, finish and processor of each task, by HEFT.
pub(super) fn heft(graph: &TaskGraph, processors: &Processors) -> Vec<(f64, f64, ProcessorId)> {
    let ranks = ranks(graph, processors);
    let mut slots: Vec<Option<(f64, f64, ProcessorId)>> = vec![None; graph.n_tasks()];
    while slots.iter().any(Option::is_none) {
        let is_open = |task: &TaskId| {
            let mut predecessors = graph.predecessors(*task).iter();
            slots[task.index()].is_none() && predecessors.all(|p| slots[p.task.index()].is_some())
        };
        let task = graph
            .task_ids()
            .rev()
            .filter(is_open)
            .max_by(|a, b| ranks[a.index()].total_cmp(&ranks[b.index()]))
            .expect("an acyclic graph has an open task");
        let mut best: Option<(f64, f64, ProcessorId)> = None;
        for processor in processors.ids() {
            let slot = earliest_slot(graph, processors, &slots, (task, processor));
            if best.is_none_or(|best| slot.1 < best.1) {
                best = Some(slot);
            }
        }
        slots[task.index()] = best;
    }
    slots.into_iter().flatten().collect()
}

fn earliest_slot(
    graph: &TaskGraph,
    processors: &Processors,
    slots: &[Option<(f64, f64, ProcessorId)>],
    (task, processor): (TaskId, ProcessorId),
) -> (f64, f64, ProcessorId) {
    let length = duration(graph, processors, task, processor);
    let mut start: f64 = 0.0;
    for predecessor in graph.predecessors(task) {
        let (_, finish, from) = slots[predecessor.task.index()].expect("predecessors come first");
        let factor = processors.communication(from, processor);
        start = start.max(finish + predecessor.cost.value() * factor);
    }
    let busy = slots.iter().flatten().filter(|slot| slot.2 == processor);
    let mut busy: Vec<(f64, f64)> = busy.map(|slot| (slot.0, slot.1)).collect();
    busy.sort_by(|a, b| a.partial_cmp(b).expect("times are numbers"));
    for (from, to) in busy {
        if start + length <= from {
            break;
        }
        start = start.max(to);
    }
    (start, start + length, processor)
}

/// The smallest makespan, found by trying every order and every processor of each task.
pub(super) fn optimum(graph: &TaskGraph, processors: &Processors) -> f64 {
    let mut slots = vec![None; graph.n_tasks()];
    let mut free = vec![0.0; processors.len()];
    let mut best = f64::INFINITY;
    try_all(graph, processors, &mut slots, &mut free, &mut best);
    best
}

fn try_all(
    graph: &TaskGraph,
    processors: &Processors,
    slots: &mut [Option<(f64, ProcessorId)>],
    free: &mut [f64],
    best: &mut f64,
) {
    if slots.iter().all(Option::is_some) {
        *best = free.iter().copied().fold(0.0, f64::max).min(*best);
    }
    for task in graph.task_ids() {
        let predecessors = graph.predecessors(task);
        if slots[task.index()].is_some()
            || predecessors.iter().any(|p| slots[p.task.index()].is_none())
        {
            continue;
        }
        for processor in processors.ids() {
            let before = free[processor.index()];
            let mut start = before;
            for predecessor in predecessors {
                let (finish, from) = slots[predecessor.task.index()].expect("it is placed");
                let factor = processors.communication(from, processor);
                start = start.max(finish + predecessor.cost.value() * factor);
            }
            let finish = start + duration(graph, processors, task, processor);
            slots[task.index()] = Some((finish, processor));
            free[processor.index()] = finish;
            try_all(graph, processors, slots, free, best);
            slots[task.index()] = None;
            free[processor.index()] = before;
        }
    }
}
