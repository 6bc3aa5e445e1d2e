//! Makes a graph of some outputs and the tasks that they need.

use crate::api::program::Graph;
use crate::base::failure::TaskErrorKind;
use crate::base::run_error::RunErrorKind;
use crate::definition::{Definition, Instance, OutputTasks};
use ampeg_schedule::{Error, TaskGraph, TaskGraphBuilder, TaskId};

impl<V> Graph<V> {
    /// The part of the graph that these outputs need.
    ///
    /// An output is named as in the graph: `line` is a task or all members of a family, `part[2]` one member, `shard`
    /// all outputs of a group, `shard[1]` those of one row, and `shard.sum` those of all rows.
    /// The other outputs have the error [`LeftOut`](TaskErrorKind::LeftOut).
    ///
    /// # Errors
    ///
    /// Returns an error if the graph is not valid, or if a name is not that of an output.
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

/// Which tasks of a graph are kept.
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

    /// The graph of the outputs and of what they need.
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
        let mut n_kept = 0;
        let kept = is_kept.into_iter().map(|is_kept| {
            is_kept.then(|| {
                n_kept += 1;
                TaskId::new(n_kept - 1)
            })
        });
        let kept: Vec<Option<TaskId>> = kept.collect();
        let new = |task: TaskId| kept[task.index()].expect("what a kept task needs is kept");
        let tasks = graph.task_ids();
        let tasks: Vec<TaskId> = tasks.filter(|task| kept[task.index()].is_some()).collect();
        let instances = tasks.iter().map(|&task| {
            let mut instance: Instance = definition.instance(task).clone();
            instance
                .inputs
                .iter_mut()
                .for_each(|input| *input = new(*input));
            instance.output = self.is_output[task.index()];
            instance
        });
        let outputs = definition.outputs.tasks.iter().map(|output| {
            let task = output.clone()?;
            if self.is_output[task.index()] {
                Ok(new(task))
            } else {
                Err(definition.blame(task, 1, TaskErrorKind::LeftOut))
            }
        });
        let outputs = OutputTasks {
            tasks: outputs.collect(),
            shape: definition.outputs.shape.clone(),
        };
        let instances = instances.collect();
        definition.with_tasks(task_graph(graph, &tasks, new), instances, outputs)
    }
}

/// Of these tasks, which have new ids.
fn task_graph(graph: &TaskGraph, tasks: &[TaskId], new: impl Fn(TaskId) -> TaskId) -> TaskGraph {
    let mut builder = TaskGraphBuilder::default();
    for &task in tasks {
        builder.add_task_on(graph.name(task), graph.costs(task).to_vec());
    }
    for &task in tasks {
        for dependency in graph.predecessors(task) {
            builder.add_dependency(new(dependency.task), new(task), dependency.cost);
        }
    }
    let built = builder.build();
    built.expect("a part of an acyclic graph is acyclic")
}

/// So many names are in a message.
const MOST_NAMES: usize = 10;

/// Whether a task has this name, or belongs to the family or group of this name.
fn is_named(task: &str, wanted: &str) -> bool {
    let begins = |name: &str| {
        let rest = name.strip_prefix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    begins(task) || begins(&without_indices(task))
}

/// `shard.sum` of `shard[1].sum`.
fn without_indices(name: &str) -> String {
    let segments = name.split('.');
    let names = segments.map(|segment| segment.split('[').next().unwrap_or_default());
    names.collect::<Vec<_>>().join(".")
}
