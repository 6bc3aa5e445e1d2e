//! Places one task after the other where it finishes earliest: the step that all list schedulers share.

use super::problem::Problem;
use super::timeline::Timeline;
use crate::id::TaskId;

/// Where and when one task runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Placement {
    pub(crate) processor: usize,
    pub(crate) start: f64,
    pub(crate) finish: f64,
}

/// A schedule in the making, on the first `n_used` processors.
#[derive(Debug, Clone)]
pub(crate) struct Placer<'p, 'a> {
    pub(crate) problem: &'p Problem<'a>,
    timelines: Vec<Timeline>,
    pub(crate) placements: Vec<Placement>,
}

/// When the inputs of a task are there, on processors that are equally connected.
///
/// Only the processor that sends the last input can have all of them earlier than the others.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// On all processors but one.
    anywhere: f64,
    /// The one, if any.
    sender: usize,
    at_sender: f64,
}

impl<'p, 'a> Placer<'p, 'a> {
    pub(crate) fn new(problem: &'p Problem<'a>, n_used: usize) -> Self {
        Self {
            problem,
            timelines: vec![Timeline::new(problem.shortest); n_used],
            placements: vec![Placement::default(); problem.n_tasks()],
        }
    }

    /// Places `task`, whose predecessors are placed, where it finishes earliest; among equals, on the smallest processor.
    ///
    /// Uses a gap between tasks already placed if it fits.
    /// Takes O(d + p) time for d predecessors and p processors, the search for gaps aside; O(d · p) on unequal connections.
    pub(crate) fn place_earliest(&mut self, task: TaskId) {
        let (processor, start) = self.earliest(task);
        self.place(task, processor, start);
    }

    /// Where `task` finishes earliest, and its start there.
    pub(crate) fn earliest(&self, task: TaskId) -> (usize, f64) {
        if self.problem.is_uniform() {
            self.earliest_uniform(task)
        } else {
            self.earliest_anywhere(task)
        }
    }

    /// From when on `processor` is free for good.
    pub(crate) fn free_from(&self, processor: usize) -> f64 {
        self.timelines[processor].finish()
    }

    /// Places `task` on `processor`, as early as it fits.
    pub(crate) fn place_on(&mut self, task: TaskId, processor: usize) {
        let start = self.earliest_start(task, processor);
        self.place(task, processor, start);
    }

    pub(crate) fn earliest_start(&self, task: TaskId, processor: usize) -> f64 {
        let ready = self.ready(task, processor);
        let duration = self.problem.duration(task, processor);
        self.timelines[processor].earliest_start(ready, duration)
    }

    fn place(&mut self, task: TaskId, processor: usize, start: f64) {
        let finish = start + self.problem.duration(task, processor);
        self.timelines[processor].occupy(start, finish);
        self.placements[task.index()] = Placement {
            processor,
            start,
            finish,
        };
    }

    /// When all inputs of `task` are on `processor`.
    pub(crate) fn ready(&self, task: TaskId, processor: usize) -> f64 {
        let mut ready: f64 = 0.0;
        for predecessor in self.problem.predecessors(task) {
            let placement = &self.placements[predecessor.task.index()];
            let cost = predecessor.cost.value();
            let transfer = self.problem.transfer(cost, placement.processor, processor);
            ready = ready.max(placement.finish + transfer);
        }
        ready
    }

    fn earliest_anywhere(&self, task: TaskId) -> (usize, f64) {
        let mut best = (0, 0.0, f64::INFINITY);
        for processor in 0..self.timelines.len() {
            let start = self.earliest_start(task, processor);
            let finish = start + self.problem.duration(task, processor);
            if finish < best.2 {
                best = (processor, start, finish);
            }
        }
        (best.0, best.1)
    }

    fn earliest_uniform(&self, task: TaskId) -> (usize, f64) {
        let arrival = self.arrival(task);
        let duration = self.problem.duration(task, 0);
        let mut best = (usize::MAX, f64::INFINITY, 0.0);
        if let Some(timeline) = self.timelines.get(arrival.sender) {
            let start = timeline.earliest_start(arrival.at_sender, duration);
            best = (arrival.sender, start + duration, start);
        }
        let bound = arrival.anywhere + duration;
        for (processor, timeline) in self.timelines.iter().enumerate() {
            // No processor but the sender can finish before the bound.
            if best.1 < bound || (best.1 == bound && best.0 < processor) {
                break;
            }
            if processor == arrival.sender {
                continue;
            }
            let start = timeline.earliest_start(arrival.anywhere, duration);
            let finish = start + duration;
            if finish < best.1 || (finish == best.1 && processor < best.0) {
                best = (processor, finish, start);
            }
        }
        (best.0, best.2)
    }

    fn arrival(&self, task: TaskId) -> Arrival {
        let predecessors = self.problem.predecessors(task);
        let mut arrival = Arrival {
            anywhere: 0.0,
            sender: usize::MAX,
            at_sender: 0.0,
        };
        for predecessor in predecessors {
            let placement = &self.placements[predecessor.task.index()];
            let time = placement.finish + predecessor.cost.value();
            if time > arrival.anywhere {
                arrival.anywhere = time;
                arrival.sender = placement.processor;
            }
        }
        for predecessor in predecessors {
            let placement = &self.placements[predecessor.task.index()];
            let is_local = placement.processor == arrival.sender;
            let transfer = if is_local {
                0.0
            } else {
                predecessor.cost.value()
            };
            arrival.at_sender = arrival.at_sender.max(placement.finish + transfer);
        }
        arrival
    }
}
