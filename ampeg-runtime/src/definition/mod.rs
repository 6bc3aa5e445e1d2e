//! A graph with all types erased: its tasks, their inputs and limits, and the code that runs them.

pub(crate) mod captures;
pub(crate) mod family;
pub(crate) mod family_error;
pub(crate) mod outputs;
mod part;
pub(crate) mod resolve;
pub(crate) mod site;

use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::captures::Captures;
use crate::generated_code::facts::Statement;
use crate::generated_code::task::Descriptor;
use crate::value::payload::Payload;
use ampeg_schedule::TaskGraph;
use ampeg_schedule::TaskId;
use std::sync::Arc;
use std::time::Duration;

/// Everything about a graph but the types of its results.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) descriptor: &'static Descriptor,
    /// Reports share it.
    pub(crate) task_graph: Arc<TaskGraph>,
    pub(crate) captures: Arc<Captures>,
    pub(crate) tasks: Vec<Instance>,
    /// What the outputs of the graph are made of.
    pub(crate) outputs: OutputTasks,
}

/// The tasks of all outputs, in order, and the lengths of the lists that they form, outer ones first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OutputTasks {
    /// The task of an output, or why it has none.
    pub(crate) tasks: Vec<Result<TaskId, TaskError>>,
    pub(crate) shape: Vec<u32>,
}

/// One task: a statement, or one member of the family that a statement declares.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) statement: u32,
    /// The values of the statement's indices.
    pub(crate) indices: Vec<i64>,
    /// The tasks whose results it needs, in the order of its inputs.
    pub(crate) inputs: Vec<TaskId>,
    /// How they fold into lists: for each optional slot 1 if it is there, then the lengths of its lists, outer ones first.
    pub(crate) shape: Vec<u32>,
    pub(crate) limits: Limits,
    /// Whether its result is an output of the graph.
    pub(crate) output: bool,
    /// The captured value that is its result, if the caller has given it: its body does not run.
    pub(crate) given: Option<u32>,
}

impl Definition {
    /// A graph of these tasks, which the dispatcher behind `descriptor` can run.
    pub(crate) fn new(
        descriptor: &'static Descriptor,
        task_graph: TaskGraph,
        captures: Vec<Payload>,
        tasks: Vec<Instance>,
    ) -> Self {
        Self {
            descriptor,
            task_graph: Arc::new(task_graph),
            captures: Captures::new(captures),
            tasks,
            outputs: OutputTasks::default(),
        }
    }

    /// The same graph with one captured value more, which is the result of a task; the tasks that compute only what that
    /// one no longer needs are left out.
    pub(crate) fn with_result(&self, task: TaskId, value: Payload) -> Self {
        let mut values = self.captures.values.clone();
        let given = u32::try_from(values.len()).expect("captures are numbered");
        values.push(value);
        let graph = &self.task_graph;
        let mut instances: Vec<Option<Instance>> = self.tasks.iter().cloned().map(Some).collect();
        if let Some(instance) = &mut instances[task.index()] {
            instance.given = Some(given);
            instance.limits = Limits::default();
            instance.inputs.clear();
            instance.shape.clear();
        }
        // Consumers come before what they consume.
        for &other in graph.topological_order().iter().rev() {
            let successors = graph.successors(other);
            let uses = |successor: TaskId| {
                let instance = instances[successor.index()].as_ref();
                instance.is_some_and(|instance| instance.given.is_none())
            };
            let is_used = successors.is_empty() || successors.iter().any(|it| uses(it.task));
            if !is_used && !self.instance(other).output {
                instances[other.index()] = None;
            }
        }
        Self {
            captures: Captures::new(values),
            ..self.part(instances)
        }
    }

    /// The same code and captures, for other tasks.
    pub(crate) fn with_tasks(
        &self,
        task_graph: TaskGraph,
        tasks: Vec<Instance>,
        outputs: OutputTasks,
    ) -> Self {
        Self {
            task_graph: Arc::new(task_graph),
            tasks,
            outputs,
            captures: Arc::clone(&self.captures),
            ..*self
        }
    }

    pub(crate) fn instance(&self, task: TaskId) -> &Instance {
        &self.tasks[task.index()]
    }

    /// The statement that declares a task.
    pub(crate) fn statement(&self, task: TaskId) -> &'static Statement {
        &self.descriptor.facts().statements[self.instance(task).statement as usize]
    }

    /// The error of a task, in the user's words.
    pub(crate) fn blame(&self, task: TaskId, attempt: u32, kind: TaskErrorKind) -> TaskError {
        let location = self.statement(task).location();
        TaskError::new(self.task_graph.name(task), Some(location), attempt, kind)
    }
}

/// How long a task may run and how often it may be tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Limits {
    /// After this time it is killed.
    pub(crate) within: Option<Duration>,
    /// How many more times it is run if it fails.
    pub(crate) retry: u32,
}

impl Limits {
    /// How many attempts there may be in all.
    pub(crate) fn attempts(&self) -> u32 {
        self.retry.saturating_add(1)
    }
}
