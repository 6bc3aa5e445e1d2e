//! The dependencies of a graph in a compact form, for a search that reads them repeatedly.

use crate::base::id::TaskId;
use crate::schedule::problem::Problem;
use crate::task_graph::Dependency;
use std::ops::Range;

/// Dependencies by one of their ends, in as few bytes as possible.
#[derive(Debug, Clone)]
pub(super) struct Edges {
    starts: Vec<u32>,
    pub(super) items: Vec<(u32, f64)>,
}

impl Edges {
    pub(super) fn new<'a>(
        problem: &Problem<'_>,
        dependencies: impl Fn(TaskId) -> &'a [Dependency],
    ) -> Self {
        let mut edges = Self {
            starts: vec![0],
            items: Vec::new(),
        };
        for task in problem.graph.task_ids() {
            let dependencies = dependencies(task).iter();
            edges
                .items
                .extend(dependencies.map(|d| (number(d.task.index()), d.cost.value())));
            edges.starts.push(number(edges.items.len()));
        }
        edges
    }

    pub(super) fn range(&self, task: usize) -> Range<usize> {
        self.starts[task] as usize..self.starts[task + 1] as usize
    }

    pub(super) fn of(&self, task: usize) -> &[(u32, f64)] {
        &self.items[self.range(task)]
    }
}

/// An index as the four bytes in which it is stored.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("ids of tasks have 32 bits")
}
