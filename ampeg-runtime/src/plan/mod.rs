//! Makes a plan from a schedule: the steps of each worker in order, and the recipients of each result.
//!
//! A plan refers to tasks and workers, but to no process and no clock.

use crate::definition::Definition;
use ampeg_schedule::Schedule;
use ampeg_schedule::{ProcessorId, TaskId};
use parts::StepPart;
use retry::Retry;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::time::Duration;

mod parts;
pub(crate) mod prepared;
pub(crate) mod retry;

/// The steps of each worker, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The steps of each worker, in the order of the schedule. A valid schedule cannot deadlock: at any time, at
    /// least one unfinished step has all its inputs.
    pub(crate) steps: Vec<Vec<Step>>,
    /// By task: the position of its step.
    pub(crate) homes: Vec<Home>,
    pub(crate) retry: Retry,
    /// The shortest time limit of any task.
    pub(crate) least_limit: Option<Duration>,
}

/// The position of a task's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) worker: ProcessorId,
    /// The position among the worker's steps.
    pub(crate) position: u32,
}

impl Plan {
    /// Makes the plan that follows a schedule. Each result is sent once to each other worker that needs it.
    pub(crate) fn new(definition: &Definition, schedule: &Schedule, retry: Retry) -> Self {
        let graph = &definition.task_graph;
        let worker = |task| schedule.slot(task).processor;
        let mut parts = parts::parts(definition, worker);
        let mut step = |task| {
            let successors = graph.successors(task).iter();
            let mut consumers: SmallVec<_> =
                successors.map(|successor| worker(successor.task)).collect();
            consumers.sort_unstable();
            consumers.dedup();
            consumers.retain(|&mut consumer| consumer != worker(task));
            Step {
                consumers,
                parts: parts.remove(&task).unwrap_or_default(),
                ..Step::new(definition, task)
            }
        };
        let unknown = Home {
            worker: ProcessorId::new(0),
            position: 0,
        };
        let mut homes = vec![unknown; graph.n_tasks()];
        let workers = (0..schedule.n_processors()).map(ProcessorId::new);
        let steps = workers.map(|worker| {
            let tasks = (0..).zip(schedule.tasks(worker));
            let steps = tasks.map(|(position, task)| {
                homes[task.index()] = Home { worker, position };
                step(task)
            });
            steps.collect()
        });
        Self {
            steps: steps.collect(),
            homes,
            retry,
            least_limit: definition
                .tasks
                .iter()
                .filter_map(|task| task.limits.within)
                .min(),
        }
    }

    /// The steps of a worker; empty if the plan does not use the worker.
    pub(crate) fn steps_of(&self, worker: ProcessorId) -> &[Step] {
        self.steps.get(worker.index()).map_or(&[], Vec::as_slice)
    }
}

/// One task on one worker.
///
/// The lists are `SmallVec`s, because most tasks have few inputs and consumers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) task: TaskId,
    pub(crate) statement: u32,
    /// The values of the statement's indices.
    pub(crate) indices: SmallVec<[i64; 2]>,
    /// The tasks whose results the body uses, in the order of the inputs.
    pub(crate) inputs: SmallVec<[TaskId; 4]>,
    /// How the inputs form lists.
    pub(crate) shape: SmallVec<[u32; 4]>,
    /// The other workers that need the result.
    pub(crate) consumers: SmallVec<[ProcessorId; 4]>,
    /// The parts that some consumers get in place of the whole result.
    pub(crate) parts: Vec<StepPart>,
    /// Whether the coordinator needs the result.
    pub(crate) output: bool,
    /// The largest number of attempts.
    pub(crate) attempts: u32,
    /// Whether the body has a time limit.
    pub(crate) limited: bool,
    /// The captured value that is the result, if the caller has given it. The body does not run then.
    pub(crate) given: Option<u32>,
}

impl Step {
    /// A step that runs `task`, without consumers so far.
    pub(crate) fn new(definition: &Definition, task: TaskId) -> Self {
        let instance = definition.instance(task);
        Self {
            task,
            statement: instance.statement,
            indices: SmallVec::from_slice(&instance.indices),
            inputs: SmallVec::from_slice(&instance.inputs),
            shape: SmallVec::from_slice(&instance.shape),
            consumers: SmallVec::new(),
            parts: Vec::new(),
            output: instance.output,
            attempts: instance.limits.attempts(),
            limited: instance.limits.within.is_some(),
            given: instance.given,
        }
    }

    /// A step that computes a lost result again, only for its own worker.
    pub(crate) fn recomputing(definition: &Definition, task: TaskId) -> Self {
        Self {
            output: false,
            ..Self::new(definition, task)
        }
    }

    pub(crate) fn statement(&self) -> usize {
        self.statement as usize
    }

    /// Whether the result, or a part of it, must be encoded.
    pub(crate) fn is_encoded(&self) -> bool {
        self.output || !self.consumers.is_empty()
    }

    /// Whether another attempt may follow this one if it fails.
    pub(crate) fn may_retry(&self, attempt: u32) -> bool {
        attempt < self.attempts
    }
}
