//! From a schedule to what each worker does, in order: receive, run, send.
//!
//! A plan knows tasks and workers, but no process and no clock.

use crate::definition::Definition;
use crate::failure::TaskErrorKind;
use crate::graph::TaskGraph;
use crate::id::{ProcessorId, TaskId};
use crate::schedule::Schedule;
use parts::StepPart;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

mod parts;

/// What each worker does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The steps of each worker.
    pub(crate) queues: Vec<Arc<Vec<Step>>>,
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
        let mut parts = parts::parts(definition, home);
        let mut step = |task| {
            let successors = graph.successors(task).iter();
            let mut consumers: SmallVec<_> =
                successors.map(|successor| home(successor.task)).collect();
            consumers.sort_unstable();
            consumers.dedup();
            consumers.retain(|&mut consumer| consumer != home(task));
            Step {
                consumers,
                parts: parts.remove(&task).unwrap_or_default(),
                backoff,
                ..Step::new(definition, task)
            }
        };
        let order = linear_order(graph, schedule);
        let processors = (0..schedule.n_processors()).map(ProcessorId::new);
        let queue = |processor| Vec::with_capacity(schedule.slots(processor).len());
        let mut queues: Vec<_> = processors.map(queue).collect();
        for task in order {
            queues[home(task).index()].push(step(task));
        }
        Self {
            queues: queues.into_iter().map(Arc::new).collect(),
            homes: graph.task_ids().map(home).collect(),
        }
    }
}

/// One order of all tasks that follows the schedule and every dependency.
///
/// Each worker runs its tasks in this order, so that there is always one that can go on: the first of all that are left.
/// It matters where tasks cost nothing, and several start at one time.
fn linear_order(graph: &TaskGraph, schedule: &Schedule) -> Vec<TaskId> {
    let mut missing: Vec<_> = graph
        .task_ids()
        .map(|task| graph.predecessors(task).len())
        .collect();
    let start = |task: TaskId| Reverse((schedule.slot(task).start, task));
    let mut ready: BinaryHeap<_> = graph.entry_tasks().map(start).collect();
    let mut order = Vec::with_capacity(graph.n_tasks());
    while let Some(Reverse((_, task))) = ready.pop() {
        order.push(task);
        for successor in graph.successors(task) {
            missing[successor.task.index()] -= 1;
            if missing[successor.task.index()] == 0 {
                ready.push(start(successor.task));
            }
        }
    }
    order
}

/// One task on one worker.
///
/// Most tasks have few of everything; what is few needs no memory of its own.
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
            indices: SmallVec::from_slice(&instance.indices),
            inputs: SmallVec::from_slice(&instance.inputs),
            shape: SmallVec::from_slice(&instance.shape),
            consumers: SmallVec::new(),
            parts: Vec::new(),
            output: instance.output,
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

    /// Whether the result, or a part of it, must become bytes.
    pub(crate) fn encode(&self) -> bool {
        self.output || !self.consumers.is_empty()
    }

    /// Whether the inputs must outlive an attempt that fails.
    pub(crate) fn keep_inputs(&self) -> bool {
        self.attempt < self.attempts
    }

    /// Waits, before any attempt but the first, for as long as was asked for; whether it did.
    pub(crate) fn wait_for_turn(&self) -> bool {
        let waits = self.attempt > 1 && !self.backoff.is_zero();
        if waits {
            let doublings = (self.attempt - 2).min(20);
            std::thread::sleep(self.backoff.saturating_mul(1 << doublings));
        }
        waits
    }

    /// Whether a failed attempt at it is followed by another one.
    pub(crate) fn tries_again(&self, kind: &TaskErrorKind) -> bool {
        self.attempt < self.attempts && !matches!(kind, TaskErrorKind::NotDeliverable { .. })
    }
}
