//! The graph as the scheduler sees it: tasks, dependencies and their costs.
//!
//! A [`TaskGraph`] has no code, and only the number of its cost columns depends on processors. A [`TaskGraphBuilder`]
//! makes it, and refuses cycles.

mod builder;
pub(crate) mod cost;
mod cycle;
pub(crate) mod dot;
mod error;
mod serialized;
#[cfg(test)]
mod tests;

use crate::base::id::{ProcessorId, TaskId};
use crate::task_graph::cost::Cost;
pub use builder::TaskGraphBuilder;
pub use error::GraphErrorKind;
use serde::{Deserialize, Serialize};

/// A dependency as seen from one of its tasks: the other task, and the cost to move the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The predecessor in [`TaskGraph::predecessors`], and the successor in [`TaskGraph::successors`].
    pub task: TaskId,
    /// The cost to move the result to another processor; on the same processor the result is free.
    pub cost: Cost,
}

/// Tasks with computation costs, and dependencies with communication costs; without cycles.
///
/// Takes memory in proportion to the number of tasks and dependencies.
///
/// ```
/// use ampeg::TaskGraph;
///
/// let graph = TaskGraph::builder()
///     .task("load", 2)
///     .task("clean", 1.5)
///     .dependency("load", "clean", 0.5)
///     .build()?;
/// assert_eq!(graph.n_tasks(), 2);
/// let clean = graph.find("clean").unwrap();
/// assert_eq!(graph.name(graph.predecessors(clean)[0].task), "load");
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// Its serialized form has the tasks with their costs, and the dependencies. Deserialization checks them.
///
/// ```
/// use ampeg::TaskGraph;
///
/// let graph: TaskGraph = serde_json::from_str(
///     r#"{
///         "tasks": [{"name": "load", "costs": [2]}, {"name": "clean", "costs": [1.5]}],
///         "dependencies": [{"from": 0, "to": 1, "cost": 0.5}]
///     }"#,
/// )?;
/// assert_eq!(graph.n_dependencies(), 1);
/// let cycle = r#"{"tasks": [{"name": "a", "costs": [1]}], "dependencies": [{"from": 0, "to": 0, "cost": 0}]}"#;
/// let error = serde_json::from_str::<TaskGraph>(cycle).unwrap_err();
/// assert!(error.to_string().contains("task `a` depends on itself"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serialized::Serialized", into = "serialized::Serialized")]
#[must_use = "a task graph does nothing until it is scheduled"]
pub struct TaskGraph {
    names: Names,
    costs: CostTable,
    predecessors: Adjacency,
    successors: Adjacency,
    topological_order: Vec<TaskId>,
}

impl TaskGraph {
    /// An empty builder.
    pub fn builder() -> TaskGraphBuilder {
        TaskGraphBuilder::default()
    }

    /// The number of tasks.
    pub fn n_tasks(&self) -> usize {
        self.names.len()
    }

    /// The number of dependencies; several between the same two tasks count once.
    pub fn n_dependencies(&self) -> usize {
        self.predecessors.items.len()
    }

    /// The ids of all tasks, in the order in which they were added.
    pub fn task_ids(&self) -> impl ExactSizeIterator<Item = TaskId> + DoubleEndedIterator + use<> {
        (0..self.n_tasks()).map(TaskId::new)
    }

    /// The name of `task`.
    ///
    /// # Panics
    ///
    /// If `task` is not of this graph, as in all methods that take a task.
    pub fn name(&self, task: TaskId) -> &str {
        self.names.name(task)
    }

    /// The first task with this name, by a linear search.
    pub fn find(&self, name: &str) -> Option<TaskId> {
        self.task_ids().find(|&task| self.name(task) == name)
    }

    /// The number of costs of each task: 1 if all processors are alike, otherwise one per processor.
    pub fn n_cost_columns(&self) -> usize {
        self.costs.n_columns
    }

    /// The cost of `task` on `processor`, without the speed of the processor.
    ///
    /// # Panics
    ///
    /// If there are several cost columns, and none for `processor`.
    pub fn cost(&self, task: TaskId, processor: ProcessorId) -> Cost {
        match self.costs.row(task) {
            [cost] => *cost,
            row => row[processor.index()],
        }
    }

    /// The costs of `task`: one for all processors, or one for each.
    pub fn costs(&self, task: TaskId) -> &[Cost] {
        self.costs.row(task)
    }

    /// The mean cost of `task` over the processors.
    pub fn mean_cost(&self, task: TaskId) -> f64 {
        match self.costs.row(task) {
            [cost] => cost.value(),
            row => row.iter().map(|cost| cost.value()).sum::<f64>() / cost::count(row.len()),
        }
    }

    /// The tasks that `task` depends on, by increasing id.
    pub fn predecessors(&self, task: TaskId) -> &[Dependency] {
        self.predecessors.of(task)
    }

    /// The tasks that depend on `task`, by increasing id.
    pub fn successors(&self, task: TaskId) -> &[Dependency] {
        self.successors.of(task)
    }

    /// All tasks, each after its predecessors.
    ///
    /// This is the order in which they were added, if that order is topological.
    pub fn topological_order(&self) -> &[TaskId] {
        &self.topological_order
    }

    /// The tasks without predecessors.
    pub fn entry_tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.task_ids()
            .filter(|&task| self.predecessors(task).is_empty())
    }

    /// The tasks without successors.
    pub fn exit_tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.task_ids()
            .filter(|&task| self.successors(task).is_empty())
    }

    /// A graph of the same shape with other costs.
    ///
    /// `computation` returns the cost of a task on every processor. `communication` returns the cost of a dependency;
    /// its arguments are the predecessor and the successor.
    pub fn with_costs(
        &self,
        mut computation: impl FnMut(TaskId) -> Cost,
        mut communication: impl FnMut(TaskId, TaskId) -> Cost,
    ) -> Self {
        let mut graph = self.clone();
        graph.costs = CostTable {
            n_columns: 1,
            values: self.task_ids().map(&mut computation).collect(),
        };
        for successor in self.task_ids() {
            for dependency in graph.predecessors.of_mut(successor) {
                dependency.cost = communication(dependency.task, successor);
            }
        }
        graph.successors = graph.predecessors.reversed();
        graph
    }

    /// The same graph with every dependency reversed.
    ///
    /// A schedule of it, read backwards, is a schedule of this graph.
    pub fn reversed(&self) -> Self {
        Self {
            names: self.names.clone(),
            costs: self.costs.clone(),
            predecessors: self.successors.clone(),
            successors: self.predecessors.clone(),
            topological_order: self.topological_order.iter().rev().copied().collect(),
        }
    }
}

/// All names in one string, because a graph may have a million.
#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn name(&self, task: TaskId) -> &str {
        let index = task.index();
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }
}

/// Computation costs by task and processor, or one column if processors do not differ.
#[derive(Debug, Clone, PartialEq)]
struct CostTable {
    n_columns: usize,
    values: Vec<Cost>,
}

impl CostTable {
    fn row(&self, task: TaskId) -> &[Cost] {
        &self.values[task.index() * self.n_columns..][..self.n_columns]
    }
}

/// Dependencies by one of their ends. Those of task `i` are `items[starts[i]..starts[i + 1]]`.
#[derive(Debug, Clone, PartialEq)]
struct Adjacency {
    starts: Vec<usize>,
    items: Vec<Dependency>,
}

impl Adjacency {
    /// Groups `edges` (from, to, cost) by `from`, and keeps the order within each group.
    fn group(n_tasks: usize, edges: &[(TaskId, TaskId, Cost)]) -> Self {
        let mut starts = vec![0; n_tasks + 1];
        for (from, _, _) in edges {
            starts[from.index() + 1] += 1;
        }
        for task in 0..n_tasks {
            starts[task + 1] += starts[task];
        }
        let mut next = starts.clone();
        let unset = Dependency {
            task: TaskId::new(0),
            cost: Cost::ZERO,
        };
        let mut items = vec![unset; edges.len()];
        for &(from, task, cost) in edges {
            items[next[from.index()]] = Dependency { task, cost };
            next[from.index()] += 1;
        }
        Self { starts, items }
    }

    fn of(&self, task: TaskId) -> &[Dependency] {
        &self.items[self.starts[task.index()]..self.starts[task.index() + 1]]
    }

    fn of_mut(&mut self, task: TaskId) -> &mut [Dependency] {
        &mut self.items[self.starts[task.index()]..self.starts[task.index() + 1]]
    }

    /// The same dependencies by their other end, by increasing id within each group.
    fn reversed(&self) -> Self {
        let n_tasks = self.starts.len() - 1;
        let edges: Vec<_> = (0..n_tasks)
            .map(TaskId::new)
            .flat_map(|from| self.of(from).iter().map(move |to| (to.task, from, to.cost)))
            .collect();
        Self::group(n_tasks, &edges)
    }

    /// Sorts each group by id, and merges equal dependencies into the one with the highest cost.
    fn merge_equal(&mut self) {
        let mut kept = 0;
        let mut start = 0;
        for task in 1..self.starts.len() {
            let end = self.starts[task];
            self.items[start..end].sort_unstable_by_key(|dependency| dependency.task);
            let group = kept;
            for index in start..end {
                let dependency = self.items[index];
                if kept > group && self.items[kept - 1].task == dependency.task {
                    let cost = &mut self.items[kept - 1].cost;
                    *cost = dependency.cost.max(*cost);
                } else {
                    self.items[kept] = dependency;
                    kept += 1;
                }
            }
            start = end;
            self.starts[task] = kept;
        }
        self.items.truncate(kept);
    }
}
