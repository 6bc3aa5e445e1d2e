//! Checks whether a schedule is valid for a graph.

use super::error::ScheduleErrorKind;
use super::order::earliest_times;
use super::problem::Problem;
use super::{Schedule, Slot};
use crate::base::error::Error;
use crate::base::id::TaskId;
use crate::task_graph::TaskGraph;

/// The allowed rounding error, relative to the makespan.
const TOLERANCE: f64 = 1e-9;

impl Schedule {
    /// Checks that this schedule is valid for `graph`.
    ///
    /// In a valid schedule, each task has a slot that is long enough, slots of a processor do not overlap, each task
    /// starts when its inputs have arrived, and no tasks wait for each other for ever. Differences of 10⁻⁹ of the
    /// makespan count as rounding errors. Takes O(n + e) time.
    ///
    /// # Errors
    ///
    /// If the schedule is not valid. The error names the task.
    pub fn validate(&self, graph: &TaskGraph) -> Result<(), Error> {
        if self.n_tasks() != graph.n_tasks() {
            return Err(ScheduleErrorKind::TaskCount {
                scheduled: self.n_tasks(),
                in_graph: graph.n_tasks(),
            }
            .into());
        }
        let problem = Problem::new(graph, &self.processors)?;
        let checks = Checks {
            schedule: self,
            problem: &problem,
            tolerance: self.makespan().value() * TOLERANCE,
        };
        for processor in self.processors.ids() {
            for pair in self.slots(processor).windows(2) {
                checks.overlap(&pair[0], &pair[1])?;
            }
        }
        for slot in &self.slots {
            checks.length(slot)?;
            checks.ready(slot)?;
        }
        let order: Vec<Vec<TaskId>> = self
            .processors
            .ids()
            .map(|processor| self.tasks(processor).collect())
            .collect();
        earliest_times(&problem, &order).map(drop)
    }
}

struct Checks<'a> {
    schedule: &'a Schedule,
    problem: &'a Problem<'a>,
    tolerance: f64,
}

impl Checks<'_> {
    fn length(&self, slot: &Slot) -> Result<(), Error> {
        let length = slot.finish.value() - slot.start.value();
        let needed = self.problem.duration(slot.task, slot.processor.index());
        if length >= needed - self.tolerance {
            return Ok(());
        }
        let task = self.name(slot);
        Err(ScheduleErrorKind::TooShort {
            task,
            length,
            needed,
        }
        .into())
    }

    fn overlap(&self, first: &Slot, second: &Slot) -> Result<(), Error> {
        if first.finish.value() <= second.start.value() + self.tolerance {
            return Ok(());
        }
        Err(ScheduleErrorKind::Overlap {
            first: self.name(first),
            second: self.name(second),
            processor: first.processor,
        }
        .into())
    }

    fn ready(&self, slot: &Slot) -> Result<(), Error> {
        for predecessor in self.problem.graph.predecessors(slot.task) {
            let from = self.schedule.slot(predecessor.task);
            let (sender, receiver) = (from.processor.index(), slot.processor.index());
            let cost = predecessor.cost.value();
            let arrival = from.finish.value() + self.problem.transfer(cost, sender, receiver);
            if arrival > slot.start.value() + self.tolerance {
                return Err(ScheduleErrorKind::TooEarly {
                    task: self.name(slot),
                    start: slot.start.value(),
                    predecessor: self.name(from),
                    arrival,
                }
                .into());
            }
        }
        Ok(())
    }

    fn name(&self, slot: &Slot) -> String {
        self.problem.graph.name(slot.task).to_owned()
    }
}
