//! Makes a graph of some outputs and the tasks that they need.

use crate::api::program::Graph;
use crate::base::run_error::RunErrorKind;
use crate::definition::{Definition, Instance};
use ampeg_schedule::Error;

impl<V> Graph<V> {
    /// The part of the graph that these outputs need.
    ///
    /// Outputs are named as in the graph. `line` is a task or all members of a family, and `part[2]` is one member.
    /// `shard` is all outputs of a group, `shard[1]` those of one row, and `shard.sum` those of one name in all rows.
    /// All other outputs have the error [`LeftOut`](crate::TaskErrorKind::LeftOut).
    ///
    /// # Errors
    ///
    /// Returns an error if the graph is not valid, or if a name is not the name of an output.
    ///
    /// ```
    /// use ampeg::graph;
    ///
    /// let graph = graph! {
    ///     base = 3;
    ///     pub square = base * base;
    ///     pub slow: u32 = loop { std::thread::yield_now() };
    ///     pub part[i in 0..3] = base * i;
    /// };
    /// let some = graph.only(&["square", "part[2]"])?;
    /// assert_eq!(some.task_graph()?.n_tasks(), 3);
    /// let outcome = some.run(2)?;
    /// assert_eq!((outcome.square, outcome.part[2].clone()), (Ok(9), Ok(6)));
    /// assert!(outcome.slow.is_err() && outcome.part[0].is_err());
    ///
    /// let error = graph.only(&["squares"]).unwrap_err();
    /// assert!(error.to_string().contains("`square`, `slow`, `part`"));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn only(&self, outputs: &[&str]) -> Result<Self, Error> {
        let definition = self.definition()?;
        let mut part = Part::none_of(definition);
        for name in outputs {
            part.add(definition, name)?;
        }
        Ok(self.map(|definition| part.of(definition)))
    }
}

/// The tasks of a graph that are kept.
struct Part {
    is_output: Vec<bool>,
}

impl Part {
    fn none_of(definition: &Definition) -> Self {
        Self {
            is_output: vec![false; definition.tasks.len()],
        }
    }

    /// Adds the outputs with this name.
    fn add(&mut self, definition: &Definition, wanted: &str) -> Result<(), Error> {
        let graph = &definition.task_graph;
        let mut is_found = false;
        for &task in definition.outputs.tasks.iter().flatten() {
            if is_named(graph.name(task), wanted) {
                self.is_output[task.index()] = true;
                is_found = true;
            }
        }
        if is_found {
            return Ok(());
        }
        let mut outputs: Vec<String> = Vec::new();
        for &task in definition.outputs.tasks.iter().flatten() {
            let name = without_indices(graph.name(task));
            if !outputs.contains(&name) {
                outputs.push(name);
            }
            if outputs.len() > MOST_NAMES {
                break;
            }
        }
        let mut tasks = graph.task_ids();
        Err(RunErrorKind::UnknownOutput {
            name: wanted.to_owned(),
            is_task: tasks.any(|task| is_named(graph.name(task), wanted)),
            outputs,
        }
        .into())
    }

    /// The graph of the outputs and of the tasks that they need.
    fn of(&self, definition: &Definition) -> Definition {
        let graph = &definition.task_graph;
        let mut is_kept = self.is_output.clone();
        for &task in graph.topological_order().iter().rev() {
            if is_kept[task.index()] {
                for dependency in graph.predecessors(task) {
                    is_kept[dependency.task.index()] = true;
                }
            }
        }
        let tasks = graph.task_ids().zip(is_kept);
        let instances = tasks.map(|(task, is_kept)| {
            is_kept.then(|| Instance {
                output: self.is_output[task.index()],
                ..definition.instance(task).clone()
            })
        });
        definition.part(instances.collect())
    }
}

/// The number of names in a message.
const MOST_NAMES: usize = 10;

/// Whether a task has this name, or belongs to the family or group of this name.
pub(super) fn is_named(task: &str, wanted: &str) -> bool {
    let begins = |name: &str| {
        let rest = name.strip_prefix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    begins(task) || begins(&without_indices(task))
}

/// The name without indices: `shard.sum` for `shard[1].sum`.
fn without_indices(name: &str) -> String {
    let segments = name.split('.');
    let names = segments.map(|segment| segment.split('[').next().unwrap_or_default());
    names.collect::<Vec<_>>().join(".")
}
