//! The graph in the language of Graphviz.

use super::TaskGraph;
use std::fmt::Write;

impl TaskGraph {
    /// The graph in the DOT language: each task with its cost, each dependency with its communication cost.
    ///
    /// Dependencies without a cost have no label. A task with several costs has their mean.
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph tasks {\n  node [shape=box];\n");
        for task in self.task_ids() {
            let name = escape(self.name(task));
            let cost = self.mean_cost(task);
            writeln!(dot, "  {task} [label=\"{name}\\n{cost}\"];").expect("strings take all");
        }
        for task in self.task_ids() {
            for successor in self.successors(task) {
                let label = match successor.cost.value() {
                    0.0 => String::new(),
                    cost => format!(" [label=\"{cost}\"]"),
                };
                writeln!(dot, "  {task} -> {}{label};", successor.task).expect("strings take all");
            }
        }
        dot.push_str("}\n");
        dot
    }
}

/// Escapes `text` for use in quotes.
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
