//! The state of a run, from its events: finished, running and remaining tasks.
//!
//! It uses neither a clock nor a terminal: events and callers pass the time, in seconds from the start of the run.

use crate::report::costs::family;
use crate::run::event::{Attempt, Event};
use ampeg_schedule::{Schedule, TaskGraph, TaskId};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The tasks of a run, as planned and as observed so far.
///
/// A clone shares the parts that events do not change.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) tasks: Vec<Task>,
    /// The inputs of all tasks, one task after another.
    pub(super) inputs: Arc<[Input]>,
    /// All tasks by their planned start, so each comes after its inputs.
    pub(super) order: Arc<[usize]>,
    /// The names of all statements, without indices.
    pub(super) families: Arc<[String]>,
    pub(super) workers: Vec<Activity>,
    pub(super) moves: Moves,
    pub(super) n_retries: usize,
    pub(super) n_deaths: usize,
}

/// One task.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The index of its statement.
    pub(super) family: usize,
    pub(super) worker: usize,
    /// The duration in the schedule, in units of cost.
    pub(super) planned: f64,
    pub(super) inputs: Range<usize>,
    /// The greatest planned cost of moving its result to another worker.
    moving: f64,
    pub(super) state: State,
}

/// One input of a task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    pub(super) task: usize,
    /// The planned cost of moving it to another worker.
    pub(super) cost: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State {
    Open,
    Running { start: f64 },
    Ended { start: f64, finish: f64 },
    Failed,
}

/// The activity of a worker.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Activity {
    /// It has run no task since this time.
    Idle { since: f64 },
    /// It is being started to replace a process that died.
    Starting,
    Running {
        task: usize,
        name: String,
        attempt: u32,
        start: f64,
    },
}

/// The total time of transfers between workers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moves {
    pub(super) observed: f64,
    pub(super) planned: f64,
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

impl Model {
    pub(super) fn new(graph: &TaskGraph, schedule: &Schedule, n_workers: usize) -> Self {
        let mut families = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let (mut tasks, mut inputs) = (Vec::with_capacity(graph.n_tasks()), Vec::new());
        for id in graph.task_ids() {
            let name = family(graph.name(id));
            let family = *known.entry(name).or_insert_with_key(|name| {
                families.push(name.clone());
                families.len() - 1
            });
            let slot = schedule.slot(id);
            let is_elsewhere = |task: TaskId| schedule.slot(task).processor != slot.processor;
            let successors = graph.successors(id).iter();
            let moving = successors.filter(|successor| is_elsewhere(successor.task));
            let first = inputs.len();
            inputs.extend(graph.predecessors(id).iter().map(|input| Input {
                task: input.task.index(),
                cost: input.cost.value(),
            }));
            tasks.push(Task {
                family,
                worker: slot.processor.index(),
                planned: slot.finish.value() - slot.start.value(),
                inputs: first..inputs.len(),
                moving: moving.map(|it| it.cost.value()).fold(0.0, f64::max),
                state: State::Open,
            });
        }
        let mut order = graph.topological_order().to_vec();
        order.sort_by_key(|&task| schedule.slot(task).start);
        Self {
            tasks,
            inputs: inputs.into(),
            order: order.iter().map(|task| task.index()).collect(),
            families: families.into(),
            workers: vec![Activity::Idle { since: 0.0 }; n_workers],
            moves: Moves::default(),
            n_retries: 0,
            n_deaths: 0,
        }
    }

    pub(super) fn on_event(&mut self, event: &Event<'_>) {
        match *event {
            Event::TaskBegan {
                task: name,
                id,
                worker,
                attempt,
                at,
            } => {
                let (task, start) = (id.index(), seconds(at));
                self.workers[worker.index()] = Activity::Running {
                    task,
                    name: name.to_owned(),
                    attempt,
                    start,
                };
                // A lost result that is computed again counts as done.
                if self.tasks[task].state == State::Open {
                    self.tasks[task].state = State::Running { start };
                }
            }
            Event::TaskEnded { attempt, .. } => {
                self.leaves(attempt);
                self.tasks[attempt.task.index()].state = State::Ended {
                    start: seconds(attempt.start),
                    finish: seconds(attempt.finish),
                };
            }
            Event::TaskFailed {
                attempt,
                will_retry,
                ..
            } => {
                self.leaves(attempt);
                let state = &mut self.tasks[attempt.task.index()].state;
                self.n_retries += usize::from(will_retry);
                *state = match *state {
                    State::Ended { .. } => *state,
                    _ if will_retry => State::Open,
                    _ => State::Failed,
                };
            }
            Event::ResultMoved { transfer, .. } => {
                let way = transfer.received.saturating_sub(transfer.sent);
                self.moves.observed += seconds(way);
                self.moves.planned += self.tasks[transfer.predecessor.index()].moving;
            }
            Event::WorkerDied { death, is_replaced } => {
                self.n_deaths += 1;
                let since = seconds(death.at);
                let now = if is_replaced {
                    Activity::Starting
                } else {
                    Activity::Idle { since }
                };
                self.workers[death.worker.index()] = now;
            }
            Event::WorkerStarted { worker, at } => {
                let since = seconds(at);
                self.workers[worker.index()] = Activity::Idle { since };
            }
            Event::RunBegan { .. } | Event::RunEnded { .. } => {}
        }
    }

    /// A worker has ended an attempt. It may already have begun another task.
    fn leaves(&mut self, attempt: &Attempt) {
        let worker = &mut self.workers[attempt.worker.index()];
        if matches!(worker, Activity::Running { task, .. } if *task == attempt.task.index()) {
            let since = seconds(attempt.finish);
            *worker = Activity::Idle { since };
        }
    }
}
