//! A graph as the program declares it: [`Graph`], with types outside and without them inside.

use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::definition::outputs::Field;
use crate::definition::resolve::resolve;
use crate::definition::site::Site;
use crate::generated_code::facts::{Facts, Source, Statement};
use crate::generated_code::inputs::Type;
use crate::generated_code::task::{Call, Descriptor};
use crate::report::{MeasuredCosts, costs};
use crate::value::payload::Payload;
use ampeg_schedule::Error;
use ampeg_schedule::TaskGraph;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A graph of tasks, declared with `graph!`, that can be run any number of times.
///
/// `V` is the type of its values: a struct with one field per output. A graph that is a plain expression has a struct
/// without a name. A function takes any graph as `&Graph<V>`, with the bound [`V: Values`](crate::Values) if it runs
/// the graph. A named graph (`graph! { fn fit(…) -> Fit { … } }` or `graph! { -> Fit; … }`) has the type
/// `Graph<Fit>`, which functions can return and structs can store. Cloning a graph is cheap, because all clones share
/// the captured values.
///
/// Costs and captures are evaluated once, where the graph is declared. Their errors are returned when the graph is
/// first used.
///
/// ```
/// use ampeg::{Error, Graph, graph};
///
/// fn n_dependencies<V>(graph: &Graph<V>) -> Result<usize, Error> {
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
#[must_use = "a graph does nothing until it is run, as with `.run(2)?`"]
pub struct Graph<V> {
    definition: Result<Arc<Definition>, Error>,
    values: PhantomData<fn() -> V>,
}

impl<V> Clone for Graph<V> {
    fn clone(&self) -> Self {
        Self {
            definition: self.definition.clone(),
            values: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Graph<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

impl<V> Graph<V> {
    /// Tasks, dependencies and costs, as the scheduler sees them.
    ///
    /// # Errors
    ///
    /// If a cost is out of range, if a captured value could not be encoded, or if a member of a family is used but
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

    /// The statements of the graph in the order of the source: names, source text and locations.
    ///
    /// # Errors
    ///
    /// If a cost is out of range or a captured value could not be encoded.
    ///
    /// ```
    /// let graph = ampeg::graph! { b = a + 1; a = 1; };
    /// let names: Vec<_> = graph.statements()?.iter().map(|task| task.name).collect();
    /// assert_eq!(names, ["b", "a"]);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn statements(&self) -> Result<&'static [Statement], Error> {
        Ok(self.definition()?.descriptor.facts().statements)
    }

    /// The former name of [`statements`](Self::statements).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`statements`](Self::statements).
    #[deprecated(since = "0.1.0", note = "write `statements`")]
    pub fn tasks(&self) -> Result<&'static [Statement], Error> {
        self.statements()
    }

    /// The graph in the DOT language of Graphviz: tasks and dependencies with their costs.
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
    pub(crate) fn with_task_graph(&self, task_graph: TaskGraph) -> Self {
        self.map(|definition| Definition {
            task_graph: Arc::new(task_graph),
            ..definition.clone()
        })
    }

    /// A graph with the same outputs and another definition. A graph that is not valid is returned unchanged.
    pub(crate) fn map(&self, change: impl FnOnce(&Definition) -> Definition) -> Self {
        let definition = self.definition.as_ref().map_err(Clone::clone);
        Self {
            definition: definition.map(|definition| Arc::new(change(definition))),
            values: PhantomData,
        }
    }

    #[cfg(test)]
    pub(crate) fn of(definition: Definition) -> Self {
        Self {
            definition: Ok(Arc::new(definition)),
            values: PhantomData,
        }
    }

    pub(crate) fn definition(&self) -> Result<&Arc<Definition>, Error> {
        self.definition.as_ref().map_err(Clone::clone)
    }
}

/// Makes a graph from the parts that generated code passes. `fields` are those of a struct that the program declares.
#[allow(
    clippy::needless_pass_by_value,
    reason = "generated code hands over its witnesses, which have no size"
)]
pub fn graph<S, W, V, F>(
    source: S,
    types: W,
    dispatch: F,
    site: Site,
    captures: Vec<Result<Payload, String>>,
    fields: &[Field],
) -> Graph<V>
where
    S: Source,
    W: Default,
    F: Fn(&mut Call<'_>, &W) -> Type<V> + Copy,
{
    let descriptor = Descriptor::of(&source, &types, dispatch);
    Graph {
        definition: define(descriptor, site, captures, fields).map(Arc::new),
        values: PhantomData,
    }
}

fn define(
    descriptor: &'static Descriptor,
    site: Site,
    captures: Vec<Result<Payload, String>>,
    fields: &[Field],
) -> Result<Definition, Error> {
    let resolved = resolve(site, fields)?;
    let captures = payloads(descriptor.facts(), captures)?;
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

fn payloads(facts: &Facts, captures: Vec<Result<Payload, String>>) -> Result<Vec<Payload>, Error> {
    let payload = |(capture, payload): (usize, Result<Payload, String>)| {
        payload.map_err(|reason| {
            let is_used_by = |statement: &&Statement| {
                let mut captures = statement.captures.iter();
                captures.any(|&other| other as usize == capture)
            };
            let user = facts.statements.iter().find(is_used_by);
            RunErrorKind::Capture {
                name: facts.captures[capture].to_owned(),
                user: user.map(|user| (user.name.to_owned(), user.location())),
                reason,
            }
            .into()
        })
    };
    captures.into_iter().enumerate().map(payload).collect()
}

impl<V> Graph<V> {
    /// The same graph with other costs, such as those that an earlier run measured.
    ///
    /// If the result of a dependency was not moved, the dependency gets the mean cost of other results of the same
    /// task or family. All other costs that `costs` does not have are scaled by the mean ratio of measured to
    /// declared costs, so that measured seconds and declared units can be used together. A graph whose costs are not
    /// valid is returned unchanged.
    pub fn with_costs(&self, costs: &MeasuredCosts) -> Self {
        match self.task_graph() {
            Ok(graph) => self.with_task_graph(costs::apply(graph, costs)),
            Err(_) => self.clone(),
        }
    }
}
