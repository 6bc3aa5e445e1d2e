//! The reason for a task's slot: [`Explanation`].

use super::problem::Problem;
use super::timeline::Timeline;
use super::{Schedule, Slot};
use crate::base::error::Error;
use crate::base::id::{ProcessorId, TaskId};
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::Time;
use std::fmt;

/// The reason for the processor and start of a task, from [`Schedule::explain`].
///
/// `Display` writes a line for the task, one for each processor, and one for the reason.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    graph: &'a TaskGraph,
    slot: Slot,
    candidates: Vec<Candidate>,
    local_successors: Vec<TaskId>,
}

/// A processor that could run a task, and what the task would wait for there, with all other tasks in their slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The processor.
    pub processor: ProcessorId,
    /// The time at which all inputs would be available.
    pub ready: Time,
    /// The predecessor whose result would arrive last; none without predecessors.
    pub last_input: Option<TaskId>,
    /// The time at which the task could start there.
    pub start: Time,
    /// The time at which the task would end there.
    pub finish: Time,
    /// The task that keeps the processor busy until `start`, if it ends after the inputs arrive.
    pub busy_with: Option<TaskId>,
}

impl Schedule {
    /// Returns what `task` would wait for on each processor, and why its processor was chosen.
    ///
    /// Takes O(n) time.
    ///
    /// # Errors
    ///
    /// If this is not a schedule of `graph`.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    ///
    /// ```
    /// use ampeg::TaskGraph;
    /// use ampeg::schedule::{Policy, Processors, Scheduler};
    ///
    /// let graph = TaskGraph::builder()
    ///     .task("load", 4)
    ///     .task("fit", 2)
    ///     .dependency("load", "fit", 3)
    ///     .build()?;
    /// let schedule = Policy::Heft.schedule(&graph, &Processors::new(2)?)?;
    /// let fit = graph.find("fit").unwrap();
    /// assert_eq!(
    ///     schedule.explain(&graph, fit)?.to_string(),
    ///     "`fit` runs on processor 0 from 4 to 6\n\
    ///      processor 0: inputs there at 4, the last from `load`; could run from 4 to 6\n\
    ///      processor 1: inputs there at 7, the last from `load`; could run from 7 to 9\n\
    ///      no other processor would finish it as early"
    /// );
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn explain<'a>(
        &self,
        graph: &'a TaskGraph,
        task: TaskId,
    ) -> Result<Explanation<'a>, Error> {
        self.validate(graph)?;
        let problem = Problem::new(graph, &self.processors)?;
        let slot = *self.slot(task);
        let candidates = self.processors.ids();
        let successors = graph.successors(task).iter().map(|s| s.task);
        Ok(Explanation {
            graph,
            slot,
            candidates: candidates
                .map(|processor| self.candidate(&problem, task, processor))
                .collect(),
            local_successors: successors
                .filter(|&successor| self.slot(successor).processor == slot.processor)
                .collect(),
        })
    }

    fn candidate(&self, problem: &Problem<'_>, task: TaskId, processor: ProcessorId) -> Candidate {
        let inputs = problem.predecessors(task).iter().map(|predecessor| {
            let from = self.slot(predecessor.task);
            let (sender, receiver) = (from.processor.index(), processor.index());
            let transfer = problem.transfer(predecessor.cost.value(), sender, receiver);
            (from.finish.value() + transfer, predecessor.task)
        });
        let last = inputs.max_by(|a, b| a.0.total_cmp(&b.0));
        let ready = last.map_or(0.0, |(arrival, _)| arrival);
        let others = self
            .slots(processor)
            .iter()
            .filter(|slot| slot.task != task);
        let mut timeline = Timeline::new(0.0);
        for slot in others.clone() {
            let start = slot.start.value().max(timeline.finish());
            timeline.occupy(start, slot.finish.value().max(start));
        }
        let duration = problem.duration(task, processor.index());
        let start = timeline.earliest_start(ready, duration);
        let busy_with = others.rev().find(|slot| {
            start > ready && slot.finish.value() <= start && slot.finish.value() > ready
        });
        Candidate {
            processor,
            ready: Time::from_sum(ready),
            last_input: last.map(|(_, task)| task),
            start: Time::from_sum(start),
            finish: Time::from_sum(start + duration),
            busy_with: busy_with.map(|slot| slot.task),
        }
    }
}

impl Explanation<'_> {
    /// The processor of the task, and its start and finish.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// All processors, with what the task would wait for on each.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The former name of [`candidates`](Self::candidates).
    #[deprecated(since = "0.1.0", note = "write `candidates`")]
    pub fn choices(&self) -> &[Candidate] {
        self.candidates()
    }

    /// The processor other than the chosen one where the task would end earliest.
    fn runner_up(&self) -> Option<&Candidate> {
        let others = self.candidates.iter();
        others
            .filter(|candidate| candidate.processor != self.slot.processor)
            .min_by_key(|candidate| candidate.finish)
    }

    fn write_candidate(&self, f: &mut fmt::Formatter<'_>, candidate: &Candidate) -> fmt::Result {
        let name = |task| self.graph.name(task);
        write!(f, "processor {}: ", candidate.processor)?;
        if let Some(task) = candidate.last_input {
            let (ready, name) = (candidate.ready, name(task));
            write!(f, "inputs there at {ready}, the last from `{name}`; ")?;
        }
        if let Some(task) = candidate.busy_with {
            write!(f, "busy with `{}`; ", name(task))?;
        }
        writeln!(
            f,
            "could run from {} to {}",
            candidate.start, candidate.finish
        )
    }

    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(other) = self.runner_up() else {
            return f.write_str("there is no other processor");
        };
        let tolerance = self.slot.finish.value() * 1e-9;
        let lead = other.finish.value() - self.slot.finish.value();
        if lead > tolerance {
            return f.write_str("no other processor would finish it as early");
        }
        if lead >= -tolerance {
            write!(f, "processor {} would finish it as early", other.processor)?;
        } else {
            let (processor, finish) = (other.processor, other.finish);
            write!(
                f,
                "processor {processor} would finish it earlier, at {finish}, as the others stand"
            )?;
        }
        if self.local_successors.is_empty() {
            return Ok(());
        }
        let names = self.local_successors.iter().take(3);
        let names: Vec<String> = names
            .map(|&task| format!("`{}`", self.graph.name(task)))
            .collect();
        let more = if self.local_successors.len() > 3 {
            ", …"
        } else {
            ""
        };
        write!(
            f,
            "; here its result is at hand for {}{more}",
            names.join(", ")
        )
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Slot {
            task,
            processor,
            start,
            finish,
        } = self.slot;
        let name = self.graph.name(task);
        writeln!(
            f,
            "`{name}` runs on processor {processor} from {start} to {finish}"
        )?;
        for candidate in &self.candidates {
            self.write_candidate(f, candidate)?;
        }
        self.write_reason(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::id::TaskId;
    use crate::schedule::{Processors, Schedule};
    use crate::task_graph::TaskGraph;

    #[test]
    fn earlier_finish_elsewhere_is_admitted() {
        let graph = TaskGraph::builder()
            .task("a", 2)
            .task("b", 1)
            .task("c", 1)
            .dependency("b", "c", 9)
            .build()
            .unwrap();
        let [a, b, c] = [0, 1, 2].map(TaskId::new);
        let two = Processors::new(2).unwrap();
        let schedule = Schedule::from_order(&graph, &two, &[vec![a, b, c], vec![]]).unwrap();
        assert_eq!(
            schedule.explain(&graph, b).unwrap().to_string(),
            "`b` runs on processor 0 from 2 to 3\n\
             processor 0: busy with `a`; could run from 2 to 3\n\
             processor 1: could run from 0 to 1\n\
             processor 1 would finish it earlier, at 1, as the others stand; here its result is at hand for `c`"
        );
        let one = Processors::new(1).unwrap();
        let schedule = Schedule::from_order(&graph, &one, &[vec![a, b, c]]).unwrap();
        let explanation = schedule.explain(&graph, a).unwrap();
        assert!(
            explanation
                .to_string()
                .ends_with("there is no other processor")
        );
        assert_eq!(explanation.candidates().len(), 1);
        assert_eq!(explanation.slot().finish.value(), 2.0);
    }
}
