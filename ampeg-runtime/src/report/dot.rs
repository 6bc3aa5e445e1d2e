//! The workers of a run and the results that moved, in the language of Graphviz.

use super::Report;
use ampeg_schedule::internal::escape;
use ampeg_schedule::{ProcessorId, TaskId};
use std::collections::BTreeMap;
use std::fmt::Write;

impl Report {
    /// The run in the DOT language: each worker with its tasks in the order in which they ran, each result that moved
    /// with its size, and dependencies within a worker as dashed lines.
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph run {\n  node [shape=box];\n");
        for (worker, tasks) in &self.by_worker() {
            writeln!(dot, "  subgraph cluster_{worker} {{").expect(STRINGS);
            writeln!(dot, "    label=\"worker {worker}\";").expect(STRINGS);
            for task in tasks {
                let name = escape(self.graph.name(*task));
                writeln!(dot, "    {task} [label=\"{name}\"];").expect(STRINGS);
            }
            for pair in tasks.windows(2) {
                writeln!(dot, "    {} -> {} [style=invis];", pair[0], pair[1]).expect(STRINGS);
            }
            dot.push_str("  }\n");
        }
        for task in self.graph.task_ids() {
            for successor in self.graph.successors(task) {
                let attributes = self.edge(task, successor.task);
                writeln!(dot, "  {task} -> {}{attributes};", successor.task).expect(STRINGS);
            }
        }
        dot.push_str("}\n");
        dot
    }

    /// The tasks that ended on each worker, in order.
    fn by_worker(&self) -> BTreeMap<ProcessorId, Vec<TaskId>> {
        let mut workers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in self.graph.task_ids() {
            if let Some(attempt) = self.attempt(task) {
                workers
                    .entry(attempt.worker)
                    .or_default()
                    .push((attempt.start, task));
            }
        }
        let sorted = |(worker, mut tasks): (_, Vec<_>)| {
            tasks.sort_unstable();
            (worker, tasks.into_iter().map(|(_, task)| task).collect())
        };
        workers.into_iter().map(sorted).collect()
    }

    fn edge(&self, predecessor: TaskId, successor: TaskId) -> String {
        let (Some(from), Some(to)) = (self.attempt(predecessor), self.attempt(successor)) else {
            return " [style=dotted]".into();
        };
        let moved = |to: ProcessorId| {
            let mut transfers = self.transfers().iter();
            transfers.find(|transfer| transfer.predecessor == predecessor && transfer.to == to)
        };
        match moved(to.worker) {
            Some(transfer) if from.worker != to.worker => {
                format!(" [label=\"{} bytes\"]", transfer.bytes)
            }
            _ => " [style=dashed]".into(),
        }
    }
}

const STRINGS: &str = "writing to a string does not fail";
