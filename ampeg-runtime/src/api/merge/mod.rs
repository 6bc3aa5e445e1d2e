//! Merges tasks with the same text, inputs and captures into one.

use crate::api::program::Graph;
use crate::definition::{Definition, Instance, OutputTasks};
use crate::generated_code::facts::Statement;
use crate::generated_code::task::Table;
use crate::generated_code::task_value::Codec;
use ampeg_schedule::TaskId;
use ampeg_schedule::{TaskGraph, TaskGraphBuilder};
use std::any::TypeId;
use std::collections::HashMap;

#[cfg(test)]
mod tests;

impl<V> Graph<V> {
    /// The same graph, with tasks that must have the same result merged into one.
    ///
    /// Two tasks are merged under three conditions. Their bodies have the same text, except for names. The names
    /// refer to the same or merged dependencies, and to captured values with the same bytes. Their results have the
    /// same type.
    ///
    /// The outcome has the same outputs under their own names. Reports and errors have the name of the first of the
    /// merged tasks. The merged task has the largest of the costs, the longest of the time limits, and the most
    /// retries.
    ///
    /// This is not automatic, because a body may depend on more than its text: on random numbers, on files or on the
    /// clock. A task with a given result ([`with_value`](Self::with_value)) is not merged. A graph that is not valid
    /// is returned unchanged.
    ///
    /// ```
    /// use ampeg::graph;
    ///
    /// fn square(x: i64) -> i64 { x * x }
    ///
    /// let graph = graph! { a = square(3); b = square(3); sum = a + b; };
    /// let merged = graph.merge_duplicates();
    /// assert_eq!(graph.task_graph()?.n_tasks(), 3);
    /// assert_eq!(merged.task_graph()?.n_tasks(), 2);
    ///
    /// let outcome = merged.run(2)?;
    /// assert_eq!((&outcome.a, &outcome.b, &outcome.sum), (&Ok(9), &Ok(9), &Ok(18)));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn merge_duplicates(&self) -> Self {
        self.map(|definition| {
            let classes = Classes::of(definition);
            if classes.representatives.len() == definition.task_graph.n_tasks() {
                return definition.clone();
            }
            classes.merge(definition)
        })
    }
}

/// The tasks of a graph, in classes of tasks that must have the same result.
struct Classes {
    /// By task: its class.
    class: Vec<TaskId>,
    /// By class: its first task.
    representatives: Vec<TaskId>,
}

/// Everything on which the result of a task depends.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key<'a> {
    shape: u64,
    result: TypeId,
    /// If indices are used, only members of one statement are compared, because the types of indices come from the
    /// ranges of the statement.
    statement: Option<u32>,
    indices: Vec<i64>,
    /// The classes of the inputs.
    inputs: Vec<TaskId>,
    lists: &'a [u32],
    slots: Vec<(u8, bool)>,
    captures: Vec<usize>,
}

impl Classes {
    fn of(definition: &Definition) -> Self {
        let table = definition.descriptor.table();
        let captures = equal_captures(definition, &table);
        let n_tasks = definition.task_graph.n_tasks();
        let mut first = HashMap::new();
        // By task: the first task in topological order that must have the same result.
        let mut same: Vec<TaskId> = definition.task_graph.task_ids().collect();
        for &task in definition.task_graph.topological_order() {
            let key = key(definition, task, (&table, &captures), &same);
            if let Some(key) = key {
                same[task.index()] = *first.entry(key).or_insert(task);
            }
        }
        let mut numbers = vec![None; n_tasks];
        let mut representatives = Vec::new();
        let class = definition.task_graph.task_ids().map(|task| {
            *numbers[same[task.index()].index()].get_or_insert_with(|| {
                representatives.push(task);
                TaskId::new(representatives.len() - 1)
            })
        });
        Self {
            class: class.collect(),
            representatives,
        }
    }

    fn of_task(&self, task: TaskId) -> TaskId {
        self.class[task.index()]
    }

    fn merge(&self, definition: &Definition) -> Definition {
        let mut instances: Vec<Instance> = Vec::with_capacity(self.representatives.len());
        for &task in &self.representatives {
            let mut instance = definition.instance(task).clone();
            for input in &mut instance.inputs {
                *input = self.of_task(*input);
            }
            instances.push(instance);
        }
        for task in definition.task_graph.task_ids() {
            let Instance { limits, output, .. } = definition.instance(task);
            let merged = &mut instances[self.of_task(task).index()];
            merged.output |= output;
            let merged = &mut merged.limits;
            merged.retry = merged.retry.max(limits.retry);
            merged.within = merged.within.zip(limits.within).map(|(a, b)| a.max(b));
        }
        let outputs = definition.outputs.tasks.iter();
        let outputs = OutputTasks {
            tasks: outputs
                .map(|output| output.clone().map(|task| self.of_task(task)))
                .collect(),
            shape: definition.outputs.shape.clone(),
        };
        definition.with_tasks(self.task_graph(&definition.task_graph), instances, outputs)
    }

    fn task_graph(&self, graph: &TaskGraph) -> TaskGraph {
        let mut costs = vec![Vec::new(); self.representatives.len()];
        for task in graph.task_ids() {
            let merged = &mut costs[self.of_task(task).index()];
            let row = graph.costs(task);
            merged.resize(row.len(), row[0]);
            for (merged, cost) in merged.iter_mut().zip(row) {
                *merged = (*merged).max(*cost);
            }
        }
        let mut builder = TaskGraphBuilder::default();
        for (&task, costs) in self.representatives.iter().zip(costs) {
            builder.add_task_on(graph.name(task), costs);
        }
        for task in graph.task_ids() {
            for dependency in graph.predecessors(task) {
                let (from, to) = (self.of_task(dependency.task), self.of_task(task));
                builder.add_dependency(from, to, dependency.cost);
            }
        }
        let built = builder.build();
        built.expect("merging equal tasks of an acyclic graph leaves it acyclic")
    }
}

/// Everything on which the result of a task depends; none if this is unknown.
fn key<'a>(
    definition: &'a Definition,
    task: TaskId,
    (table, captures): (&Table, &[usize]),
    same: &[TaskId],
) -> Option<Key<'a>> {
    let instance = definition.instance(task);
    if instance.given.is_some() {
        return None;
    }
    let statement: &Statement = definition.statement(task);
    let used = statement.used_indices.iter();
    let values = statement.captures.iter();
    Some(Key {
        shape: statement.shape,
        result: table.codec(instance.statement as usize)?.identity()?,
        statement: (!statement.used_indices.is_empty()).then_some(instance.statement),
        indices: used
            .map(|&index| instance.indices[usize::from(index)])
            .collect(),
        inputs: instance
            .inputs
            .iter()
            .map(|input| same[input.index()])
            .collect(),
        lists: &instance.shape,
        slots: statement
            .inputs
            .iter()
            .map(|slot| (slot.depth, slot.optional))
            .collect(),
        captures: values.map(|&capture| captures[capture as usize]).collect(),
    })
}

/// By capture: the first capture with an equal value, as far as this is known.
fn equal_captures(definition: &Definition, table: &Table) -> Vec<usize> {
    let mut first = HashMap::new();
    let captures = definition.captures.values.iter().enumerate();
    captures
        .map(|(capture, payload)| {
            let identity = table.capture(capture).and_then(Codec::identity);
            match identity {
                // Attachments are not compared.
                Some(identity) if payload.attached().is_empty() => {
                    // The payload was made in this process, so its bytes are present.
                    let bytes = payload.bytes().unwrap_or_default();
                    *first.entry((identity, bytes)).or_insert(capture)
                }
                _ => capture,
            }
        })
        .collect()
}
