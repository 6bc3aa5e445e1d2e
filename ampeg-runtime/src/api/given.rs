//! A graph with given results.

use super::only::is_named;
use crate::api::program::Graph;
use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::generated_code::task_value::TaskValue;
use ampeg_schedule::{Error, TaskId};
use std::any::{TypeId, type_name};

impl<V> Graph<V> {
    /// The same graph with a known result: the task is not run, and its result is this value.
    ///
    /// `task` is the full name of a task, output or not: `mean_x`, `part[2]` or `shard[1].sum`. Tasks that are only
    /// needed to compute this task are left out of the graph, unless they are outputs. The value is encoded now. In a
    /// run, the value counts as a task without a cost.
    ///
    /// Use this to test the tasks after an expensive one, or to keep the results of a first run in a second one.
    ///
    /// # Errors
    ///
    /// Returns an error if the graph is not valid, if no task has this name, if the value is not of the type of the
    /// task's result, or if it cannot be encoded.
    ///
    /// ```
    /// use ampeg::graph;
    ///
    /// fn measure() -> f64 { panic!("the instrument is off") }
    ///
    /// let graph = graph! {
    ///     raw = measure();
    ///     mean = raw / 2.0;
    ///     pub scaled = mean * 10.0;
    ///     pub shifted = mean + 1.0;
    /// };
    /// let outcome = graph.with_value("mean", 2.5)?.run(2)?;
    /// assert_eq!((outcome.scaled, outcome.shifted), (Ok(25.0), Ok(3.5)));
    ///
    /// let error = graph.with_value("mean", 2).unwrap_err();
    /// assert!(error.to_string().ends_with("it is of the type `i32`, and the result of the task is of the type `f64`"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    ///
    /// A second run keeps the results of the first, and computes only what failed:
    ///
    /// ```
    /// use ampeg::graph;
    ///
    /// let graph = graph! {
    ///     pub page: String = Err("the server does not answer")?;
    ///     pub table = vec![1, 2, 3];
    ///     pub sum = table.iter().sum::<i32>() + page.len() as i32;
    /// };
    /// let outcome = graph.run(2)?;
    /// assert!(outcome.page.is_err() && outcome.sum.is_err());
    /// let rest = graph.with_value("table", outcome.table?)?;
    /// let rest = rest.with_value("page", "from a cache".to_owned())?;
    /// assert_eq!(rest.run(2)?.sum?, 18);
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    #[allow(
        clippy::needless_pass_by_value,
        reason = "most callers pass a literal, or a result that they need no longer"
    )]
    pub fn with_value<T: TaskValue>(&self, task: &str, value: T) -> Result<Self, Error> {
        let definition = self.definition()?;
        let refused = |reason| {
            let task = task.to_owned();
            Error::from(RunErrorKind::GivenResult { task, reason })
        };
        let id = find(definition, task).map_err(refused)?;
        let statement = definition.instance(id).statement as usize;
        if let Some(codec) = definition.descriptor.table().codec(statement)
            && codec.identity() != Some(TypeId::of::<T>())
        {
            return Err(refused(format!(
                "it is of the type `{}`, and the result of the task is of the type `{}`",
                type_name::<T>(),
                codec.type_name()
            )));
        }
        let value = value.encode().map_err(refused)?;
        Ok(self.map(|definition| definition.with_result(id, value)))
    }
}

/// The task with this name, or the reason why there is none.
fn find(definition: &Definition, wanted: &str) -> Result<TaskId, String> {
    let graph = &definition.task_graph;
    let mut tasks = graph.task_ids();
    if let Some(task) = tasks.find(|&task| graph.name(task) == wanted) {
        return Ok(task);
    }
    let mut tasks = graph.task_ids();
    Err(
        match tasks.find(|&task| is_named(graph.name(task), wanted)) {
            Some(task) => format!(
                "several tasks have this name, and a value is that of one: `{}`, for example",
                graph.name(task)
            ),
            None => "the graph has no task of this name".to_owned(),
        },
    )
}
