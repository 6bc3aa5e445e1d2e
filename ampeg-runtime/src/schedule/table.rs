//! A schedule as a table.

use super::Schedule;
use std::fmt;

/// One line per task: where and when it runs; tasks by their ids.
///
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<9}  {:>10}  {:>10}  task",
            "processor", "start", "finish"
        )?;
        for processor in self.processors.ids() {
            for slot in self.slots(processor) {
                let (start, finish) = (slot.start.value(), slot.finish.value());
                let (processor, task) = (processor.index(), slot.task);
                write!(f, "\n{processor:<9}  {start:>10.3}  {finish:>10.3}  {task}")?;
            }
        }
        Ok(())
    }
}
