//! Collects tasks and dependencies in any order, and makes a checked graph.

use super::error::GraphErrorKind;
use super::{Adjacency, CostTable, Names, TaskGraph, cycle};
use crate::base::error::Error;
use crate::base::id::TaskId;
use crate::task_graph::cost::{Cost, IntoCost};
use std::collections::HashMap;
use std::fmt::{Display, Write};

/// Collects tasks and dependencies; [`build`](Self::build) checks them.
///
/// It has two sets of methods, which may be mixed:
///
/// - [`task`](Self::task) and [`dependency`](Self::dependency) refer to tasks by name, and can be chained.
///   A dependency may be added before its tasks, and names must differ.
/// - [`add_task`](Self::add_task) and [`add_dependency`](Self::add_dependency) refer to tasks by id.
///   Here names are only for readers, and need not differ.
///
/// ```
/// use ampeg::{Cost, TaskGraph};
///
/// let mut builder = TaskGraph::builder();
/// let first = builder.add_task("first", Cost::ONE);
/// for index in 0..1000 {
///     let part = builder.add_task(format_args!("part[{index}]"), Cost::ONE);
///     builder.add_dependency(first, part, Cost::ZERO);
/// }
/// assert_eq!(builder.build()?.n_dependencies(), 1000);
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct TaskGraphBuilder {
    names: Names,
    costs: Vec<Cost>,
    /// The costs of tasks with one cost per processor. All other tasks have their cost in `costs`.
    rows: Vec<(TaskId, Vec<Cost>)>,
    edges: Vec<(TaskId, TaskId, Cost)>,
    named_edges: Vec<(String, String, Cost)>,
    compares_names: bool,
    errors: Vec<GraphErrorKind>,
}

impl TaskGraphBuilder {
    /// Adds a task that costs the same on every processor.
    pub fn task(mut self, name: impl Display, cost: impl IntoCost) -> Self {
        self.compares_names = true;
        let task = self.add_task(name, Cost::ZERO);
        self.costs[task.index()] = self.task_cost(task, cost);
        self
    }

    /// Adds a task with one cost per processor.
    ///
    /// Every such task of a graph must have the same number of costs.
    pub fn task_on<C: IntoCost>(
        mut self,
        name: impl Display,
        costs: impl IntoIterator<Item = C>,
    ) -> Self {
        self.compares_names = true;
        let task = self.add_task(name, Cost::ZERO);
        let row = costs
            .into_iter()
            .map(|cost| self.task_cost(task, cost))
            .collect();
        self.rows.push((task, row));
        self
    }

    /// Adds a dependency: `successor` needs the result of `predecessor`, which costs `cost` to move to another processor.
    ///
    /// A dependency that is added twice counts once, with the higher cost, since the result moves once.
    pub fn dependency(
        mut self,
        predecessor: impl Into<String>,
        successor: impl Into<String>,
        cost: impl IntoCost,
    ) -> Self {
        self.compares_names = true;
        let (predecessor, successor) = (predecessor.into(), successor.into());
        let cost = cost.into_cost().unwrap_or_else(|error| {
            self.errors.push(GraphErrorKind::DependencyCost {
                dependency: arrow(&predecessor, &successor),
                reason: error.to_string(),
            });
            Cost::ZERO
        });
        self.named_edges.push((predecessor, successor, cost));
        self
    }

    /// Adds a task that costs the same on every processor; ids count from zero in the order of these calls.
    ///
    /// # Panics
    ///
    /// If there are more than 2³² tasks.
    pub fn add_task(&mut self, name: impl Display, cost: Cost) -> TaskId {
        let task = TaskId::new(self.costs.len());
        write!(self.names.text, "{name}").expect("writing to a string does not fail");
        self.names.ends.push(self.names.text.len());
        self.costs.push(cost);
        task
    }

    /// Adds a task with one cost per processor.
    pub fn add_task_on(&mut self, name: impl Display, costs: Vec<Cost>) -> TaskId {
        let task = self.add_task(name, Cost::ZERO);
        self.rows.push((task, costs));
        task
    }

    /// Adds a dependency as [`dependency`](Self::dependency) does, but by id.
    pub fn add_dependency(&mut self, predecessor: TaskId, successor: TaskId, cost: Cost) {
        self.edges.push((predecessor, successor, cost));
    }

    /// Checks the tasks and dependencies, and makes the graph.
    ///
    /// Takes time in proportion to tasks and dependencies.
    ///
    /// # Errors
    ///
    /// If a cost is out of range, a name is unknown or used twice, an id is unknown, rows of costs differ in length, or
    /// the dependencies form a cycle. The error lists all mistakes; a cycle is reported only if it has no other mistake.
    pub fn build(mut self) -> Result<TaskGraph, Error> {
        if self.compares_names {
            self.resolve_names();
        }
        self.check_ids();
        let costs = self.cost_table();
        if !self.errors.is_empty() {
            return Err(GraphErrorKind::Several(self.errors).into());
        }
        let n_tasks = self.costs.len();
        let by_successor: Vec<_> = self
            .edges
            .iter()
            .map(|&(p, s, cost)| (s, p, cost))
            .collect();
        let mut predecessors = Adjacency::group(n_tasks, &by_successor);
        predecessors.merge_equal();
        let successors = predecessors.reversed();
        let topological_order = topological_order(&predecessors, &successors)
            .map_err(|remaining| cycle::error(&remaining, &successors, &self.names))?;
        Ok(TaskGraph {
            names: self.names,
            costs,
            predecessors,
            successors,
            topological_order,
        })
    }

    fn task_cost(&mut self, task: TaskId, cost: impl IntoCost) -> Cost {
        cost.into_cost().unwrap_or_else(|error| {
            self.errors.push(GraphErrorKind::TaskCost {
                task: self.names.name(task).to_owned(),
                reason: error.to_string(),
            });
            Cost::ZERO
        })
    }

    fn resolve_names(&mut self) {
        let mut ids = HashMap::with_capacity(self.costs.len());
        for task in (0..self.costs.len()).map(TaskId::new) {
            let name = self.names.name(task);
            if ids.insert(name, task).is_some() {
                self.errors
                    .push(GraphErrorKind::DuplicateName(name.to_owned()));
            }
        }
        for (predecessor, successor, cost) in &self.named_edges {
            let mut resolve = |name: &String| {
                let id = ids.get(name.as_str()).copied();
                if id.is_none() {
                    self.errors.push(GraphErrorKind::UnknownName {
                        name: name.clone(),
                        dependency: arrow(predecessor, successor),
                    });
                }
                id
            };
            if let (Some(from), Some(to)) = (resolve(predecessor), resolve(successor)) {
                self.edges.push((from, to, *cost));
            }
        }
    }

    fn check_ids(&mut self) {
        let n_tasks = self.costs.len();
        for &(predecessor, successor, _) in &self.edges {
            let index = predecessor.max(successor).index();
            if index >= n_tasks {
                self.errors
                    .push(GraphErrorKind::UnknownId { index, n_tasks });
            }
        }
    }

    fn cost_table(&mut self) -> CostTable {
        let n_columns = self.rows.first().map_or(1, |(_, row)| row.len());
        if n_columns <= 1 && self.rows.is_empty() {
            return CostTable {
                n_columns: 1,
                values: self.costs.clone(),
            };
        }
        let mut values: Vec<Cost> = Vec::with_capacity(self.costs.len() * n_columns);
        for &cost in &self.costs {
            values.extend(std::iter::repeat_n(cost, n_columns));
        }
        for (task, row) in &self.rows {
            if row.len() == n_columns && n_columns > 0 {
                values[task.index() * n_columns..][..n_columns].copy_from_slice(row);
            } else {
                self.errors.push(GraphErrorKind::CostColumns {
                    task: self.names.name(*task).to_owned(),
                    found: row.len(),
                    expected: n_columns.max(1),
                });
            }
        }
        CostTable { n_columns, values }
    }
}

fn arrow(predecessor: &str, successor: &str) -> String {
    format!("{predecessor} → {successor}")
}

/// The tasks in topological order, or, if there is a cycle, the tasks that no topological order reaches.
fn topological_order(
    predecessors: &Adjacency,
    successors: &Adjacency,
) -> Result<Vec<TaskId>, Vec<TaskId>> {
    let n_tasks = predecessors.starts.len() - 1;
    let tasks = (0..n_tasks).map(TaskId::new);
    let is_sorted = |task| predecessors.of(task).iter().all(|p| p.task < task);
    if tasks.clone().all(is_sorted) {
        return Ok(tasks.collect());
    }
    let mut n_open: Vec<usize> = tasks
        .clone()
        .map(|task| predecessors.of(task).len())
        .collect();
    let mut order: Vec<TaskId> = tasks
        .clone()
        .filter(|task| n_open[task.index()] == 0)
        .collect();
    let mut next = 0;
    while let Some(&task) = order.get(next) {
        next += 1;
        for successor in successors.of(task) {
            let n_open = &mut n_open[successor.task.index()];
            *n_open -= 1;
            if *n_open == 0 {
                order.push(successor.task);
            }
        }
    }
    if order.len() == n_tasks {
        Ok(order)
    } else {
        Err(tasks.filter(|task| n_open[task.index()] > 0).collect())
    }
}
