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

/// Everything about a graph except the types of its results.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) descriptor: &'static Descriptor,
    /// Shared with the reports of the graph's runs.
    pub(crate) task_graph: Arc<TaskGraph>,
    pub(crate) captures: Arc<Captures>,
    pub(crate) tasks: Vec<Instance>,
    /// The tasks whose results are the outputs of the graph.
    pub(crate) outputs: OutputTasks,
}

/// The tasks of all outputs, in order, and the lengths of the lists that they form, outer lists first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OutputTasks {
    /// The task of an output, or the error of an output without a task.
    pub(crate) tasks: Vec<Result<TaskId, TaskError>>,
    pub(crate) shape: Vec<u32>,
}

/// One task: a statement, or one member of the family that a statement declares.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) statement: u32,
    /// The values of the statement's indices.
    pub(crate) indices: Vec<i64>,
    /// The tasks whose results the body uses, in the order of the inputs.
    pub(crate) inputs: Vec<TaskId>,
    /// How the inputs form lists: for each optional slot 1 if it is present and 0 if not, then the lengths of its
    /// lists, outer lists first.
    pub(crate) shape: Vec<u32>,
    pub(crate) limits: Limits,
    /// Whether the result is an output of the graph.
    pub(crate) output: bool,
    /// The captured value that is the result, if the caller has given the result. The body does not run then.
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

    /// The same graph with a given result of a task, as one more captured value. Tasks that only compute inputs of
    /// this task are left out.
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
        // In reverse topological order, the consumers of a task come before the task.
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

    /// The same code and captures, with other tasks.
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

    /// The error of a task, with its name and location.
    pub(crate) fn blame(&self, task: TaskId, attempt: u32, kind: TaskErrorKind) -> TaskError {
        let location = self.statement(task).location();
        TaskError::new(self.task_graph.name(task), Some(location), attempt, kind)
    }
}

/// The time limit of a task, and the number of its retries.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Limits {
    /// The time after which the task is killed.
    pub(crate) within: Option<Duration>,
    /// How many more times the task is run if it fails.
    pub(crate) retry: u32,
}

impl Limits {
    /// The largest number of attempts.
    pub(crate) fn attempts(&self) -> u32 {
        self.retry.saturating_add(1)
    }
}
