//! A schedule as a table.

use super::Schedule;
use crate::base::id::TaskId;
use crate::task_graph::TaskGraph;
use std::fmt;

impl Schedule {
    /// The table that `Display` writes, with names instead of ids.
    ///
    /// # Panics
    ///
    /// If `graph` has fewer tasks than this schedule.
    pub fn to_table(&self, graph: &TaskGraph) -> String {
        let mut table = String::new();
        self.write_table(&mut table, |task| graph.name(task).to_owned())
            .expect("writing to a string does not fail");
        table
    }

    fn write_table(&self, f: &mut impl fmt::Write, name: impl Fn(TaskId) -> String) -> fmt::Result {
        write!(f, "processor       start      finish  task")?;
        for processor in self.processors.ids() {
            for slot in self.slots(processor) {
                let (start, finish) = (slot.start.value(), slot.finish.value());
                let (index, name) = (processor.index(), name(slot.task));
                write!(f, "\n{index:>9}  {start:>10.3}  {finish:>10.3}  {name}")?;
            }
        }
        let percent = 100.0 * self.utilization();
        let makespan = self.makespan().value();
        write!(
            f,
            "\nmakespan {makespan:.3}, processors busy {percent:.0} % of it"
        )?;
        match self.gap() {
            Some(gap) if gap < 1e-9 => write!(f, "; no schedule is shorter"),
            Some(gap) => {
                let percent = 100.0 * gap;
                write!(f, "; at most {percent:.1} % above the shortest possible")
            }
            None => Ok(()),
        }
    }
}

/// Writes one line per slot, by processor and time, and a summary. Tasks are shown by their ids.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_table(f, |task| task.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::{Policy, Processors, Scheduler};
    use crate::task_graph::TaskGraph;

    #[test]
    fn table_has_a_line_per_slot_and_a_summary() {
        let graph = TaskGraph::builder()
            .task("a", 2)
            .task("b", 1.5)
            .task("c", 1)
            .dependency("a", "c", 1)
            .dependency("b", "c", 0.25)
            .build()
            .unwrap();
        let two = Processors::new(2).unwrap();
        let schedule = Policy::Fast.schedule(&graph, &two).unwrap();
        assert_eq!(
            schedule.to_table(&graph),
            "processor       start      finish  task\n        \
             0       0.000       2.000  a\n        \
             0       2.000       3.000  c\n        \
             1       0.000       1.500  b\n\
             makespan 3.000, processors busy 75 % of it; no schedule is shorter"
        );
        let heft = Policy::Heft.schedule(&graph, &two).unwrap();
        assert!(heft.to_string().ends_with("busy 75 % of it"));
    }
}
