//! Makes a plan from a schedule: the steps of each worker in order, and the recipients of each result.
//!
//! A plan knows tasks and workers, but no process and no clock.

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

/// What each worker does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The steps of each worker, in the order of the schedule. A valid schedule cannot deadlock, so that of all steps
    /// that are left at least one has its inputs.
    pub(crate) steps: Vec<Vec<Step>>,
    /// By task: where its step is.
    pub(crate) homes: Vec<Home>,
    pub(crate) retry: Retry,
    /// The least time limit of any task.
    pub(crate) least_limit: Option<Duration>,
}

/// Where the step of a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) worker: ProcessorId,
    /// The position among the worker's steps.
    pub(crate) position: u32,
}

impl Plan {
    /// Who does what when a schedule is followed: a result goes to each other worker that needs it, once.
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

    /// The steps of a worker; none if the plan does not use it.
    pub(crate) fn steps_of(&self, worker: ProcessorId) -> &[Step] {
        self.steps.get(worker.index()).map_or(&[], Vec::as_slice)
    }
}

/// One task on one worker.
///
/// Most tasks have few inputs and consumers: these lists then need no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) task: TaskId,
    pub(crate) statement: u32,
    /// The values of the statement's indices.
    pub(crate) indices: SmallVec<[i64; 2]>,
    /// The tasks whose results it needs, in the order of its inputs.
    pub(crate) inputs: SmallVec<[TaskId; 4]>,
    /// How its inputs fold into lists.
    pub(crate) shape: SmallVec<[u32; 4]>,
    /// The other workers that need its result.
    pub(crate) consumers: SmallVec<[ProcessorId; 4]>,
    /// What goes to some of them in place of the whole.
    pub(crate) parts: Vec<StepPart>,
    /// Whether the coordinator needs its result.
    pub(crate) output: bool,
    /// How many attempts there may be in all.
    pub(crate) attempts: u32,
    /// Whether its body has a time limit.
    pub(crate) limited: bool,
    /// The captured value that is its result, in place of what its body returns.
    pub(crate) given: Option<u32>,
}

impl Step {
    /// The step that runs `task`, for no other worker yet.
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

    /// The step that computes a lost result once more, for its own worker only.
    pub(crate) fn recomputing(definition: &Definition, task: TaskId) -> Self {
        Self {
            output: false,
            ..Self::new(definition, task)
        }
    }

    pub(crate) fn statement(&self) -> usize {
        self.statement as usize
    }

    /// Whether the result, or a part of it, must become bytes.
    pub(crate) fn is_encoded(&self) -> bool {
        self.output || !self.consumers.is_empty()
    }

    /// Whether another attempt may follow this one, if it fails.
    pub(crate) fn may_retry(&self, attempt: u32) -> bool {
        attempt < self.attempts
    }
}
