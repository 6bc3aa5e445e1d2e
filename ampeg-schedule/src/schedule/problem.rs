//! A graph and processors in the form that the algorithms need: numbers in tables.

use super::Processors;
use super::error::ScheduleErrorKind;
use crate::base::error::Error;
use crate::base::id::{ProcessorId, TaskId};
use crate::task_graph::cost::count;
use crate::task_graph::{Dependency, TaskGraph};
use std::borrow::Cow;

/// A graph and processors, with durations computed once.
///
/// A problem may be [reversed](Self::reversed): time then runs backwards, and every dependency has the other
/// direction.
#[derive(Debug, Clone)]
pub(crate) struct Problem<'a> {
    pub(crate) graph: &'a TaskGraph,
    pub(crate) processors: &'a Processors,
    is_reversed: bool,
    order: Cow<'a, [TaskId]>,
    /// By task and processor, or one column if processors do not differ.
    durations: Cow<'a, [f64]>,
    n_columns: usize,
    /// The mean time of a transfer, as a multiple of its communication cost.
    pub(crate) mean_communication: f64,
    pub(crate) shortest: f64,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(graph: &'a TaskGraph, processors: &'a Processors) -> Result<Self, Error> {
        let (n_costs, n_processors) = (graph.n_cost_columns(), processors.len());
        if n_costs > 1 && n_costs < n_processors {
            return Err(ScheduleErrorKind::CostColumns {
                n_columns: n_costs,
                n_processors,
            }
            .into());
        }
        let are_alike = n_costs == 1 && processors.are_equally_fast();
        let n_columns = if are_alike { 1 } else { n_processors };
        let mut durations = Vec::with_capacity(graph.n_tasks() * n_columns);
        for task in graph.task_ids() {
            for processor in (0..n_columns).map(ProcessorId::new) {
                durations.push(graph.cost(task, processor).value() / processors.speed(processor));
            }
        }
        Ok(Self {
            graph,
            processors,
            is_reversed: false,
            order: Cow::Borrowed(graph.topological_order()),
            shortest: durations.iter().copied().fold(f64::INFINITY, f64::min),
            durations: Cow::Owned(durations),
            n_columns,
            mean_communication: processors.mean_communication(),
        })
    }

    /// The same problem from the end. A schedule of it, read backwards, is a schedule of this problem.
    pub(crate) fn reversed(&self) -> Problem<'_> {
        Problem {
            is_reversed: !self.is_reversed,
            order: self.order.iter().rev().copied().collect(),
            durations: Cow::Borrowed(&self.durations),
            ..*self
        }
    }

    #[inline]
    pub(crate) fn predecessors(&self, task: TaskId) -> &'a [Dependency] {
        if self.is_reversed {
            self.graph.successors(task)
        } else {
            self.graph.predecessors(task)
        }
    }

    /// Reads the data of these tasks that will be needed soon, so that the memory accesses overlap.
    ///
    /// Otherwise, each access would be waited for, because the code between the accesses depends on their results.
    pub(crate) fn fetch(&self, tasks: &[TaskId]) {
        let mut read = 0.0;
        for &task in tasks {
            let inputs = self.predecessors(task);
            if let (Some(first), Some(last)) = (inputs.first(), inputs.last()) {
                read += first.cost.value() + last.cost.value();
            }
            read += self.duration(task, 0);
        }
        std::hint::black_box(read);
    }

    #[inline]
    pub(crate) fn successors(&self, task: TaskId) -> &'a [Dependency] {
        if self.is_reversed {
            self.graph.predecessors(task)
        } else {
            self.graph.successors(task)
        }
    }

    /// All tasks, each after its predecessors.
    pub(crate) fn topological_order(&self) -> &[TaskId] {
        &self.order
    }

    pub(crate) fn n_tasks(&self) -> usize {
        self.graph.n_tasks()
    }

    pub(crate) fn n_processors(&self) -> usize {
        self.processors.len()
    }

    /// Whether every task takes the same time everywhere.
    pub(crate) fn is_equally_fast(&self) -> bool {
        self.n_columns == 1
    }

    /// Whether every transfer takes the same time between any two processors.
    pub(crate) fn is_equally_connected(&self) -> bool {
        self.processors.are_equally_connected()
    }

    #[inline]
    pub(crate) fn duration(&self, task: TaskId, processor: usize) -> f64 {
        if self.n_columns == 1 {
            self.durations[task.index()]
        } else {
            self.durations[task.index() * self.n_columns + processor]
        }
    }

    /// The durations of `task`: one per processor, or one for all.
    pub(crate) fn row(&self, task: TaskId) -> &[f64] {
        &self.durations[task.index() * self.n_columns..][..self.n_columns]
    }

    pub(crate) fn mean_duration(&self, task: TaskId) -> f64 {
        let row = self.row(task);
        row.iter().sum::<f64>() / count(row.len())
    }

    /// The shortest duration of each task.
    pub(crate) fn shortest_durations(&self) -> Cow<'_, [f64]> {
        if self.n_columns == 1 {
            return Cow::Borrowed(&self.durations);
        }
        let tasks = self.graph.task_ids();
        tasks.map(|task| self.shortest_duration(task)).collect()
    }

    pub(crate) fn shortest_duration(&self, task: TaskId) -> f64 {
        self.row(task).iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The time to move a result with this communication cost; zero on the same processor.
    pub(crate) fn transfer(&self, cost: f64, from: usize, to: usize) -> f64 {
        if from == to {
            0.0
        } else if self.processors.are_equally_connected() {
            cost
        } else {
            let (from, to) = if self.is_reversed {
                (to, from)
            } else {
                (from, to)
            };
            let [from, to] = [from, to].map(ProcessorId::new);
            cost * self.processors.communication(from, to)
        }
    }
}
