//! The treatment of the output of tasks: passed on unchanged, tagged with the names of tasks, or captured.

use super::marks::{Marks, tagged};
use crate::run::cluster::Captured;
use crate::transport::setup::Output;
use ampeg_schedule::{TaskGraph, TaskId};
use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

/// The number of bytes of one task's output that are captured at least; at most twice as many are.
const MOST_CAPTURED: usize = 1 << 20;

/// Treats the output of the workers of one pool.
#[derive(Debug, Default)]
pub(super) struct Treatment {
    output: Output,
    /// The graph of the run, for the names of its tasks.
    graph: Option<Arc<TaskGraph>>,
    captured: BTreeMap<TaskId, Vec<u8>>,
}

impl Treatment {
    pub(super) fn new(output: Output) -> Self {
        Self {
            output,
            ..Self::default()
        }
    }

    /// Whether workers mark their streams.
    pub(super) fn needs_marks(&self) -> bool {
        self.output != Output::Inherited
    }

    /// Called when a run of a graph begins.
    pub(super) fn begin_run(&mut self, graph: &Arc<TaskGraph>) {
        if self.needs_marks() {
            self.graph = Some(Arc::clone(graph));
            self.captured.clear();
        }
    }

    /// Called when a run is over; returns the captured output.
    pub(super) fn end_run(&mut self) -> Captured {
        let captured = take(&mut self.captured).into_iter();
        captured
            .map(|(task, bytes)| (task, String::from_utf8_lossy(&bytes).into_owned()))
            .collect()
    }

    /// Treats lines of a stream with these marks; returns the output to print.
    pub(super) fn treat(&mut self, marks: &mut Marks, lines: Vec<u8>) -> Vec<u8> {
        if !self.needs_marks() {
            return lines;
        }
        let mut printed = Vec::new();
        for (task, lines) in marks.attribute(&lines) {
            let graph = self.graph.as_ref();
            // A task may also write bytes that look like a mark.
            let known = task
                .zip(graph)
                .filter(|(task, graph)| task.index() < graph.n_tasks());
            match known {
                Some((task, _)) if self.output == Output::Captured => self.capture(task, &lines),
                Some((task, graph)) => printed.extend(tagged(graph.name(task), &lines)),
                None => printed.extend(lines),
            }
        }
        printed
    }

    fn capture(&mut self, task: TaskId, lines: &[u8]) {
        let captured = self.captured.entry(task).or_default();
        captured.extend(lines);
        if captured.len() > 2 * MOST_CAPTURED {
            captured.drain(..captured.len() - MOST_CAPTURED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::mark;
    use super::*;

    fn graph() -> Arc<TaskGraph> {
        Arc::new(
            TaskGraph::builder()
                .task("a", 1)
                .task("b", 1)
                .build()
                .unwrap(),
        )
    }

    /// The printed output for two lines of the second task and one line of no task.
    fn treated(treatment: &mut Treatment) -> String {
        treatment.begin_run(&graph());
        let lines = [
            b"start\n".to_vec(),
            mark(TaskId::new(1)),
            b"x\ny\n".to_vec(),
        ]
        .concat();
        let printed = treatment.treat(&mut Marks::default(), lines);
        String::from_utf8(printed).unwrap()
    }

    #[test]
    fn lines_are_tagged() {
        let mut treatment = Treatment::new(Output::Tagged);
        assert_eq!(treated(&mut treatment), "start\n[b] x\n[b] y\n");
        assert!(treatment.end_run().is_empty());
    }

    #[test]
    fn lines_are_captured() {
        let mut treatment = Treatment::new(Output::Captured);
        for _ in 0..2 {
            assert_eq!(treated(&mut treatment), "start\n");
            let captured = treatment.end_run();
            assert_eq!(
                captured,
                Captured::from([(TaskId::new(1), "x\ny\n".into())])
            );
        }
    }

    #[test]
    fn task_that_does_not_exist_has_no_output() {
        let mut treatment = Treatment::new(Output::Captured);
        treatment.begin_run(&graph());
        let lines = [mark(TaskId::new(2)), b"x\n".to_vec()].concat();
        assert_eq!(treatment.treat(&mut Marks::default(), lines), b"x\n");
        let number = format!("{}\n", u64::MAX).into_bytes();
        let lines = [&mark(TaskId::new(1))[..8], &number, b"x\n"].concat();
        assert_eq!(treatment.treat(&mut Marks::default(), lines), b"x\n");
        assert!(treatment.end_run().is_empty());
    }

    #[test]
    fn end_of_much_output_is_captured() {
        let mut treatment = Treatment::new(Output::Captured);
        treatment.begin_run(&graph());
        let mut marks = Marks::default();
        treatment.treat(&mut marks, mark(TaskId::new(0)));
        let lines = format!("{}\n", "x".repeat(99_999)).into_bytes();
        for _ in 0..100 {
            treatment.treat(&mut marks, lines.clone());
        }
        treatment.treat(&mut marks, b"the end\n".to_vec());
        let captured = &treatment.end_run()[&TaskId::new(0)];
        assert!((MOST_CAPTURED..=2 * MOST_CAPTURED).contains(&captured.len()));
        assert!(captured.ends_with("x\nthe end\n"));
    }
}
