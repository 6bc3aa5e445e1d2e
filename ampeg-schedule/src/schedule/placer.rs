//! Places tasks one after another where they finish earliest, which is the step that all list schedulers share.

use super::arrivals::Arrivals;
use super::problem::Problem;
use super::timelines::{Position, Timelines};
use crate::base::id::TaskId;

/// The number of tasks whose data is read from memory in one batch before they are placed.
const AHEAD: usize = 32;

/// The processor and the times of one task.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Placement {
    pub(crate) processor: usize,
    pub(crate) start: f64,
    pub(crate) finish: f64,
}

/// An incomplete schedule.
#[derive(Debug, Clone)]
pub(crate) struct Placer<'p, 'a> {
    pub(crate) problem: &'p Problem<'a>,
    timelines: Timelines,
    pub(crate) placements: Vec<Placement>,
}

/// The times at which the inputs of a task are on each processor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ready {
    /// For equally connected processors.
    Equal(Arrivals),
    /// Must be computed for each processor.
    PerProcessor,
}

impl<'p, 'a> Placer<'p, 'a> {
    pub(crate) fn new(problem: &'p Problem<'a>) -> Self {
        Self {
            problem,
            timelines: Timelines::new(problem.n_processors(), problem.shortest),
            placements: vec![Placement::default(); problem.n_tasks()],
        }
    }

    /// Places all tasks in this order, each where it finishes earliest.
    pub(crate) fn place_all_earliest(&mut self, order: &[TaskId]) {
        for tasks in order.chunks(AHEAD) {
            self.problem.fetch(tasks);
            for &task in tasks {
                self.place_earliest(task);
            }
        }
    }

    /// Places `task`, whose predecessors are placed, where it finishes earliest. Ties go to the smallest processor.
    ///
    /// Uses a gap between placed tasks if the task fits. Takes O(d + p) time for d predecessors and p processors,
    /// except for the search for gaps, and O(d · p) if processors are not equally connected.
    pub(crate) fn place_earliest(&mut self, task: TaskId) {
        let place = self.earliest(task, self.ready(task));
        self.place(task, place.processor, place.start);
    }

    /// Places `task` on `processor`, as early as possible.
    pub(crate) fn place_on(&mut self, task: TaskId, processor: usize) {
        let start = self.earliest_start(task, processor, self.ready(task));
        self.place(task, processor, start);
    }

    /// Places `task` in a slot that is known to be free.
    pub(crate) fn place(&mut self, task: TaskId, processor: usize, start: f64) {
        let finish = start + self.problem.duration(task, processor);
        self.timelines.occupy(processor, start, finish);
        self.placements[task.index()] = Placement {
            processor,
            start,
            finish,
        };
    }

    /// The times at which the inputs of `task`, whose predecessors are placed, are on each processor.
    pub(crate) fn ready(&self, task: TaskId) -> Ready {
        if !self.problem.is_equally_connected() {
            return Ready::PerProcessor;
        }
        let mut arrivals = Arrivals::NONE;
        for predecessor in self.problem.predecessors(task) {
            let from = &self.placements[predecessor.task.index()];
            arrivals.add(from.processor, from.finish, predecessor.cost.value());
        }
        Ready::Equal(arrivals)
    }

    /// The time at which all inputs of `task` are on `processor`.
    fn ready_on(&self, task: TaskId, processor: usize) -> f64 {
        let mut ready: f64 = 0.0;
        for predecessor in self.problem.predecessors(task) {
            let from = &self.placements[predecessor.task.index()];
            let cost = predecessor.cost.value();
            let transfer = self.problem.transfer(cost, from.processor, processor);
            ready = ready.max(from.finish + transfer);
        }
        ready
    }

    /// The earliest start of `task` on `processor`.
    pub(crate) fn earliest_start(&self, task: TaskId, processor: usize, ready: Ready) -> f64 {
        let ready = match ready {
            Ready::PerProcessor => self.ready_on(task, processor),
            Ready::Equal(arrivals) => arrivals.ready_on(processor),
        };
        let duration = self.problem.duration(task, processor);
        self.timelines.earliest_start(processor, ready, duration)
    }

    /// The position where `task` finishes earliest.
    pub(crate) fn earliest(&self, task: TaskId, ready: Ready) -> Position {
        match ready {
            Ready::Equal(arrivals) if self.problem.is_equally_fast() => {
                let sender = arrivals.sender();
                let sender = sender.map(|sender| (sender, arrivals.ready_on_sender()));
                let duration = self.problem.duration(task, 0);
                self.timelines
                    .earliest(arrivals.ready_elsewhere(), sender, duration)
            }
            _ => self.earliest_of_all(task, ready),
        }
    }

    fn earliest_of_all(&self, task: TaskId, ready: Ready) -> Position {
        let mut best = Position::NONE;
        for processor in 0..self.problem.n_processors() {
            let start = self.earliest_start(task, processor, ready);
            let finish = start + self.problem.duration(task, processor);
            if finish < best.finish {
                best = Position {
                    processor,
                    start,
                    finish,
                };
            }
        }
        best
    }

    /// The time from which on `processor` has no more tasks.
    pub(crate) fn free_from(&self, processor: usize) -> f64 {
        self.timelines.finish(processor)
    }
}
