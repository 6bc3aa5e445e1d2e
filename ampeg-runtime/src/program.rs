//! A graph as the program declares it: [`Graph`], typed outside, erased inside.

use crate::error::Error;
use crate::facts::{Source, Statement};
use crate::failure::{TaskError, TaskErrorKind};
use crate::graph::TaskGraph;
use crate::id::TaskId;
use crate::message::ToWorker;
use crate::outcome::Results;
use crate::payload::Payload;
use crate::resolve::resolve;
use crate::run_error::RunErrorKind;
use crate::site::Site;
use crate::sys::DescriptorAddress;
use crate::task::{Call, Descriptor};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A graph of tasks, declared with `graph!`, that can be run any number of times.
///
/// `O` is the type of its outputs: one field per output task, each a `Result`.
/// The macro makes that type, and gives it no name that could be written: a function takes any graph as `&Graph<O>`,
/// and returns the values of one rather than the graph.
/// Cloning it is cheap: all clones share the captured values.
///
/// Costs and captures are evaluated once, where the graph stands; what is wrong with them is told when it is first used.
///
/// ```
/// use ampeg::{Error, Graph, graph};
///
/// fn n_dependencies<O>(graph: &Graph<O>) -> Result<usize, Error> {
///     Ok(graph.task_graph()?.n_dependencies())
/// }
///
/// let mut n = 3;
/// let graph = graph! { a = n * n; b = a + n; };
/// n += 1;
/// assert_eq!(graph.run(2)?.b, Ok(12));
/// assert_eq!(graph.run_inline()?.b, Ok(12));
/// assert_eq!(n_dependencies(&graph)?, 1);
/// # Ok::<(), Error>(())
/// ```
pub struct Graph<O> {
    definition: Result<Arc<Definition>, Error>,
    collect: Arc<dyn Fn(&mut Results<'_>) -> O + Send + Sync>,
}

impl<O> Clone for Graph<O> {
    fn clone(&self) -> Self {
        Self {
            definition: self.definition.clone(),
            collect: Arc::clone(&self.collect),
        }
    }
}

impl<O> fmt::Debug for Graph<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

impl<O> Graph<O> {
    /// Tasks, dependencies and costs, as the scheduler sees them.
    ///
    /// # Errors
    ///
    /// If a cost is out of range, a captured value could not be encoded, or a member of a family that a task uses is
    /// not declared, declared twice, or depends on itself.
    ///
    /// ```
    /// use ampeg::graph;
    ///
    /// let graph = graph! { a = 1 @ 2.5; b = a + 1; };
    /// let tasks = graph.task_graph()?;
    /// let a = tasks.find("a").expect("it is declared");
    /// assert_eq!(tasks.mean_cost(a), 2.5);
    ///
    /// let cost = -1.0;
    /// let error = graph! { a = 1 @ cost; }.task_graph().unwrap_err();
    /// assert!(error.to_string().starts_with("task `a`: a cost must be a number from 0"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn task_graph(&self) -> Result<&TaskGraph, Error> {
        Ok(&self.definition()?.task_graph)
    }

    /// The statements of the graph, in the order written: names, source text and places.
    ///
    /// # Errors
    ///
    /// If a cost is out of range or a captured value could not be encoded.
    ///
    /// ```
    /// let graph = ampeg::graph! { b = a + 1; a = 1; };
    /// let names: Vec<_> = graph.tasks()?.iter().map(|task| task.name).collect();
    /// assert_eq!(names, ["b", "a"]);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn tasks(&self) -> Result<&'static [Statement], Error> {
        Ok(self.definition()?.descriptor.statements)
    }

    /// The graph in the DOT language of Graphviz: tasks with their costs, dependencies with theirs.
    ///
    /// # Errors
    ///
    /// If a cost is out of range or a captured value could not be encoded.
    ///
    /// ```
    /// let graph = ampeg::graph! { a = 1; b = a + 1; };
    /// let dot = graph.to_dot()?;
    /// assert!(dot.starts_with("digraph") && dot.contains("0 -> 1"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn to_dot(&self) -> Result<String, Error> {
        Ok(self.task_graph()?.to_dot())
    }

    /// The same graph with other costs.
    #[must_use]
    pub(crate) fn with_task_graph(&self, task_graph: TaskGraph) -> Self {
        self.map(|definition| Definition {
            task_graph,
            ..definition.clone()
        })
    }

    /// The same outputs of another definition; a graph that cannot be used stays as it is.
    #[must_use]
    pub(crate) fn map(&self, change: impl FnOnce(&Definition) -> Definition) -> Self {
        let definition = self.definition.as_ref().map_err(Clone::clone);
        Self {
            definition: definition.map(|definition| Arc::new(change(definition))),
            collect: Arc::clone(&self.collect),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(
        definition: Definition,
        collect: Arc<dyn Fn(&mut Results<'_>) -> O + Send + Sync>,
    ) -> Self {
        Self {
            definition: Ok(Arc::new(definition)),
            collect,
        }
    }

    pub(crate) fn definition(&self) -> Result<&Arc<Definition>, Error> {
        self.definition.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn collect(&self, results: &mut Results<'_>) -> O {
        (self.collect)(results)
    }
}

/// Everything about a graph but the types of its results.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// Tells this graph's captures from those of any other graph in this process.
    pub(crate) id: u64,
    pub(crate) descriptor: &'static Descriptor,
    pub(crate) task_graph: TaskGraph,
    pub(crate) captures: Vec<Payload>,
    tasks: Vec<Instance>,
    /// What the outputs of the graph are made of.
    pub(crate) outputs: OutputTasks,
}

/// The tasks of all outputs, in order, and the lengths of the lists that they form, outer ones first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OutputTasks {
    pub(crate) tasks: Vec<TaskId>,
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
}

impl Definition {
    /// A graph of these tasks, which the dispatcher behind `descriptor` can run.
    pub(crate) fn new(
        descriptor: &'static Descriptor,
        task_graph: TaskGraph,
        captures: Vec<Payload>,
        tasks: Vec<Instance>,
    ) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            descriptor,
            task_graph,
            captures,
            tasks,
            outputs: OutputTasks::default(),
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
            task_graph,
            tasks,
            outputs,
            captures: self.captures.clone(),
            ..*self
        }
    }

    pub(crate) fn instance(&self, task: TaskId) -> &Instance {
        &self.tasks[task.index()]
    }

    /// The statement that declares a task.
    pub(crate) fn statement(&self, task: TaskId) -> &'static Statement {
        &self.descriptor.statements[self.instance(task).statement as usize]
    }

    /// The messages that give the graph to a worker.
    pub(crate) fn load(&self) -> Result<Vec<ToWorker>, Error> {
        let descriptor = DescriptorAddress::of(self.descriptor).ok_or(RunErrorKind::Elsewhere)?;
        let captures = self.captures.iter().cloned().map(ToWorker::Capture);
        Ok(std::iter::once(ToWorker::Graph { descriptor })
            .chain(captures)
            .collect())
    }

    /// The error of a task, in the user's words.
    pub(crate) fn blame(&self, task: TaskId, attempt: u32, kind: TaskErrorKind) -> TaskError {
        let place = self.statement(task).place();
        TaskError::new(self.task_graph.name(task), Some(place), attempt, kind)
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

/// Makes a graph of what generated code hands over.
#[allow(
    clippy::needless_pass_by_value,
    reason = "generated code hands over its witnesses, which have no size"
)]
pub fn graph<S, W, R, F, O>(
    source: S,
    types: W,
    dispatch: F,
    site: Site,
    captures: Vec<Result<Payload, String>>,
    collect: impl Fn(&mut Results<'_>) -> O + Send + Sync + 'static,
) -> Graph<O>
where
    S: Source,
    W: Default,
    F: Fn(&mut Call<'_>, &W) -> R + Copy,
{
    let descriptor = Descriptor::of(&source, &types, dispatch);
    Graph {
        definition: define(descriptor, site, captures).map(Arc::new),
        collect: Arc::new(collect),
    }
}

fn define(
    descriptor: &'static Descriptor,
    site: Site,
    captures: Vec<Result<Payload, String>>,
) -> Result<Definition, Error> {
    let resolved = resolve(site)?;
    let captures = payloads(descriptor.captures, captures)?;
    Ok(Definition {
        outputs: resolved.outputs,
        ..Definition::new(
            descriptor,
            resolved.task_graph,
            captures,
            resolved.instances,
        )
    })
}

fn payloads(names: &[&str], captures: Vec<Result<Payload, String>>) -> Result<Vec<Payload>, Error> {
    let payload = |(name, payload): (&&str, Result<Payload, String>)| {
        payload.map_err(|reason| {
            let name = (*name).to_owned();
            RunErrorKind::Capture { name, reason }.into()
        })
    };
    names.iter().zip(captures).map(payload).collect()
}
