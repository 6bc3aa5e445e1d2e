//! From a schedule to what each worker does, in order: receive, run, send.
//!
//! A plan knows tasks and workers, but no process and no clock.

use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::program::Definition;
use serde::{Deserialize, Serialize};

/// One task on one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) task: TaskId,
    statement: u32,
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
    /// Whether the coordinator must be told when it starts.
    pub(crate) limited: bool,
}

impl Step {
    /// The step that runs `task`, for no other worker yet.
    pub(crate) fn new(definition: &Definition, task: TaskId) -> Self {
        let statement = definition.statement(task);
        let limits = definition.limits(task);
        let inputs = statement.inputs.iter();
        Self {
            task,
            statement: u32::try_from(task.index()).expect("ids have 32 bits"),
            inputs: inputs.map(|&input| TaskId::new(input as usize)).collect(),
            consumers: Vec::new(),
            output: statement.output,
            attempt: 1,
            attempts: limits.retry.saturating_add(1),
            limited: limits.within.is_some(),
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

    /// Whether a failed attempt at it is followed by another one.
    pub(crate) fn tries_again(&self, kind: &TaskErrorKind) -> bool {
        self.attempt < self.attempts && !matches!(kind, TaskErrorKind::NotDeliverable { .. })
    }
}
