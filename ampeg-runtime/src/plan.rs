//! From a schedule to what each worker does, in order: receive, run, send.
//!
//! A plan knows tasks and workers, but no process and no clock.

use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::program::Definition;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// What each worker does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The steps of each worker.
    pub(crate) queues: Vec<Vec<Step>>,
    /// The worker of each task.
    pub(crate) homes: Vec<ProcessorId>,
}

impl Plan {
    /// Who does what when a schedule is followed: a result goes to each other worker that needs it, once.
    ///
    /// `backoff` is what to wait before a task is tried again.
    pub(crate) fn new(definition: &Definition, schedule: &Schedule, backoff: Duration) -> Self {
        let graph = &definition.task_graph;
        let home = |task| schedule.slot(task).processor;
        let step = |task| {
            let successors = graph.successors(task).iter();
            let mut consumers: Vec<_> = successors.map(|successor| home(successor.task)).collect();
            consumers.sort_unstable();
            consumers.dedup();
            consumers.retain(|&consumer| consumer != home(task));
            Step {
                consumers,
                backoff,
                ..Step::new(definition, task)
            }
        };
        let processors = (0..schedule.n_processors()).map(ProcessorId::new);
        let queue = |processor| {
            schedule
                .slots(processor)
                .iter()
                .map(|slot| step(slot.task))
                .collect()
        };
        Self {
            queues: processors.map(queue).collect(),
            homes: graph.task_ids().map(home).collect(),
        }
    }
}

/// Puts steps that compute lost results where they belong in a queue: before all that may need them,
/// behind those that are there already, whose results they may need.
pub(crate) fn insert_again(queue: &mut VecDeque<Step>, steps: impl IntoIterator<Item = Step>) {
    let place = queue.iter().take_while(|step| step.again).count();
    for (offset, step) in steps.into_iter().enumerate() {
        queue.insert(place + offset, step);
    }
}

/// One task on one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) task: TaskId,
    statement: u32,
    /// The values of the statement's indices.
    pub(crate) indices: Vec<i64>,
    /// The tasks whose results it needs, in the order of its inputs.
    pub(crate) inputs: Vec<TaskId>,
    /// The other workers that need its result.
    pub(crate) consumers: Vec<ProcessorId>,
    /// Whether the coordinator needs its result.
    pub(crate) output: bool,
    /// Which attempt at the task comes next, from 1.
    pub(crate) attempt: u32,
    /// How many attempts there may be in all.
    pub(crate) attempts: u32,
    /// What to wait before the second attempt; twice as long before each further one.
    pub(crate) backoff: Duration,
    /// Whether it computes a lost result once more, for its own worker only.
    pub(crate) again: bool,
    /// Whether the coordinator must be told when it starts.
    pub(crate) limited: bool,
}

impl Step {
    /// The step that runs `task`, for no other worker yet.
    pub(crate) fn new(definition: &Definition, task: TaskId) -> Self {
        let instance = definition.instance(task);
        Self {
            task,
            statement: instance.statement,
            indices: instance.indices.clone(),
            inputs: instance.inputs.clone(),
            consumers: Vec::new(),
            output: definition.statement(task).output,
            attempt: 1,
            attempts: instance.limits.retry.saturating_add(1),
            backoff: Duration::ZERO,
            again: false,
            limited: instance.limits.within.is_some(),
        }
    }

    /// The step that computes a lost result once more, for its own worker only.
    pub(crate) fn again(definition: &Definition, task: TaskId) -> Self {
        Self {
            output: false,
            again: true,
            ..Self::new(definition, task)
        }
    }

    pub(crate) fn statement(&self) -> usize {
        self.statement as usize
    }

    /// Whether the result must become bytes.
    pub(crate) fn encode(&self) -> bool {
        self.output || !self.consumers.is_empty()
    }

    /// Whether the inputs must outlive an attempt that fails.
    pub(crate) fn keep_inputs(&self) -> bool {
        self.attempt < self.attempts
    }

    /// Waits, before any attempt but the first, for as long as was asked for.
    pub(crate) fn wait_for_turn(&self) {
        if self.attempt > 1 && !self.backoff.is_zero() {
            let doublings = (self.attempt - 2).min(20);
            std::thread::sleep(self.backoff.saturating_mul(1 << doublings));
        }
    }

    /// Whether a failed attempt at it is followed by another one.
    pub(crate) fn tries_again(&self, kind: &TaskErrorKind) -> bool {
        self.attempt < self.attempts && !matches!(kind, TaskErrorKind::NotDeliverable { .. })
    }
}
