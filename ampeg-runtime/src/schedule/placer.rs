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

/// A schedule in the making.
#[derive(Debug, Clone)]
pub(crate) struct Placer<'p, 'a> {
    pub(crate) problem: &'p Problem<'a>,
    timelines: Vec<Timeline>,
    pub(crate) placements: Vec<Placement>,
}

/// When the inputs of a task are on which processor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ready {
    /// Processors are equally connected.
    /// So only the one that sends the last input can have all of them earlier than the others.
    Equal {
        anywhere: f64,
        /// The sender, if any, and when all inputs are there.
        sender: Option<(usize, f64)>,
    },
    /// To be worked out for each processor.
    PerProcessor,
}

impl<'p, 'a> Placer<'p, 'a> {
    pub(crate) fn new(problem: &'p Problem<'a>) -> Self {
        Self {
            problem,
            timelines: vec![Timeline::new(problem.shortest); problem.n_processors()],
            placements: vec![Placement::default(); problem.n_tasks()],
        }
    }

    /// Places `task`, whose predecessors are placed, where it finishes earliest; among equals, on the smallest processor.
    ///
    /// Uses a gap between tasks already placed if it fits.
    /// Takes O(d + p) time for d predecessors and p processors, the search for gaps aside; O(d · p) on unequal connections.
    pub(crate) fn place_earliest(&mut self, task: TaskId) {
        let (processor, start) = self.earliest(task, self.ready(task));
        self.place(task, processor, start);
    }

    /// Places `task` on `processor`, as early as it fits.
    pub(crate) fn place_on(&mut self, task: TaskId, processor: usize) {
        let start = self.earliest_start(task, processor, Ready::PerProcessor);
        self.place(task, processor, start);
    }

    /// Places `task` where it is known to fit.
    pub(crate) fn place(&mut self, task: TaskId, processor: usize, start: f64) {
        let finish = start + self.problem.duration(task, processor);
        self.timelines[processor].occupy(start, finish);
        self.placements[task.index()] = Placement {
            processor,
            start,
            finish,
        };
    }

    /// When the inputs of `task`, whose predecessors are placed, are where.
    pub(crate) fn ready(&self, task: TaskId) -> Ready {
        if !self.problem.is_equally_connected() {
            return Ready::PerProcessor;
        }
        let predecessors = self.problem.predecessors(task);
        let mut anywhere = 0.0;
        let mut sender = usize::MAX;
        for predecessor in predecessors {
            let placement = &self.placements[predecessor.task.index()];
            let arrival = placement.finish + predecessor.cost.value();
            if arrival > anywhere {
                anywhere = arrival;
                sender = placement.processor;
            }
        }
        Ready::Equal {
            anywhere,
            sender: (sender != usize::MAX).then(|| (sender, self.ready_on(task, sender))),
        }
    }

    /// When all inputs of `task` are on `processor`.
    fn ready_on(&self, task: TaskId, processor: usize) -> f64 {
        let mut ready: f64 = 0.0;
        for predecessor in self.problem.predecessors(task) {
            let placement = &self.placements[predecessor.task.index()];
            let cost = predecessor.cost.value();
            let transfer = self.problem.transfer(cost, placement.processor, processor);
            ready = ready.max(placement.finish + transfer);
        }
        ready
    }

    /// The earliest start of `task` on `processor`.
    pub(crate) fn earliest_start(&self, task: TaskId, processor: usize, ready: Ready) -> f64 {
        let ready = match ready {
            Ready::PerProcessor => self.ready_on(task, processor),
            Ready::Equal {
                sender: Some((sender, there)),
                ..
            } if sender == processor => there,
            Ready::Equal { anywhere, .. } => anywhere,
        };
        let duration = self.problem.duration(task, processor);
        self.timelines[processor].earliest_start(ready, duration)
    }

    /// Where `task` finishes earliest, and its start there.
    pub(crate) fn earliest(&self, task: TaskId, ready: Ready) -> (usize, f64) {
        match ready {
            Ready::Equal { anywhere, sender } if self.problem.is_equally_fast() => {
                self.earliest_of_equals(task, anywhere, sender)
            }
            _ => self.earliest_of_all(task, ready),
        }
    }

    fn earliest_of_all(&self, task: TaskId, ready: Ready) -> (usize, f64) {
        let mut best = (0, 0.0, f64::INFINITY);
        for processor in 0..self.timelines.len() {
            let start = self.earliest_start(task, processor, ready);
            let finish = start + self.problem.duration(task, processor);
            if finish < best.2 {
                best = (processor, start, finish);
            }
        }
        (best.0, best.1)
    }

    fn earliest_of_equals(
        &self,
        task: TaskId,
        anywhere: f64,
        sender: Option<(usize, f64)>,
    ) -> (usize, f64) {
        let duration = self.problem.duration(task, 0);
        let bound = anywhere + duration;
        let mut best = (usize::MAX, f64::INFINITY, 0.0);
        if let Some((processor, ready)) = sender {
            let start = self.timelines[processor].earliest_start(ready, duration);
            best = (processor, start + duration, start);
        }
        let first = best.0;
        for (processor, timeline) in self.timelines.iter().enumerate() {
            // No processor but the sender can finish before the bound.
            if best.1 < bound || (best.1 == bound && best.0 < processor) {
                break;
            }
            if processor == first {
                continue;
            }
            let start = timeline.earliest_start(anywhere, duration);
            let finish = start + duration;
            if finish < best.1 || (finish == best.1 && processor < best.0) {
                best = (processor, finish, start);
            }
        }
        (best.0, best.2)
    }

    /// From when on `processor` is free for good.
    pub(crate) fn free_from(&self, processor: usize) -> f64 {
        self.timelines[processor].finish()
    }
}
