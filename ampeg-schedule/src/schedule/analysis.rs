//! How a schedule uses its time.

use super::problem::Problem;
use super::{Schedule, Slot};
use crate::base::error::Error;
use crate::base::id::{ProcessorId, TaskId};
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::count;

impl Schedule {
    /// The time during which `processor` runs tasks.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn busy_time(&self, processor: ProcessorId) -> f64 {
        let slots = self.slots(processor).iter();
        slots
            .map(|slot| slot.finish.value() - slot.start.value())
            .sum()
    }

    /// The time up to the makespan during which `processor` runs no task.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn idle_time(&self, processor: ProcessorId) -> f64 {
        (self.makespan().value() - self.busy_time(processor)).max(0.0)
    }

    /// The share of the time up to the makespan in which the processors run tasks; 1 if the makespan is zero.
    pub fn utilization(&self) -> f64 {
        let whole = self.makespan().value() * count(self.n_processors());
        if whole == 0.0 {
            return 1.0;
        }
        let busy = self.processors.ids().map(|p| self.busy_time(p));
        (busy.sum::<f64>() / whole).min(1.0)
    }

    /// The former name of [`utilization`](Self::utilization).
    #[deprecated(since = "0.1.0", note = "write `utilization`")]
    pub fn utilisation(&self) -> f64 {
        self.utilization()
    }

    /// The time of `graph` on the one processor that suits it best, divided by the makespan; 1 if it takes no time.
    ///
    /// # Errors
    ///
    /// If `graph` has costs for several processors, but fewer than there are in this schedule.
    pub fn speed_up(&self, graph: &TaskGraph) -> Result<f64, Error> {
        let problem = Problem::new(graph, &self.processors)?;
        let total = |processor: usize| -> f64 {
            let tasks = graph.task_ids();
            tasks.map(|task| problem.duration(task, processor)).sum()
        };
        let alone = (0..self.n_processors())
            .map(total)
            .fold(f64::INFINITY, f64::min);
        match self.makespan().value() {
            0.0 => Ok(1.0),
            makespan => Ok(alone / makespan),
        }
    }

    /// A chain of tasks that determines the makespan. Each starts as soon as the previous one has ended and its
    /// result has arrived.
    ///
    /// To shorten the schedule, one of these tasks must get shorter, or start elsewhere or earlier. If several chains
    /// qualify, this is one of them. The chain begins with a task that starts without waiting.
    ///
    /// # Errors
    ///
    /// If this is not a schedule of `graph`.
    pub fn critical_path(&self, graph: &TaskGraph) -> Result<Vec<TaskId>, Error> {
        self.validate(graph)?;
        let problem = Problem::new(graph, &self.processors)?;
        let mut path = Vec::new();
        let mut last = self.slots.iter().max_by_key(|slot| slot.finish);
        while let Some(slot) = last {
            path.push(slot.task);
            last = self.waited_for(&problem, slot);
        }
        path.reverse();
        Ok(path)
    }

    /// The slot whose end allows `slot` to start.
    fn waited_for(&self, problem: &Problem<'_>, slot: &Slot) -> Option<&Slot> {
        let index = self.position[slot.task.index()];
        let first = self.starts[slot.processor.index()];
        let before = (index > first).then(|| &self.slots[index - 1]);
        let inputs = problem.predecessors(slot.task).iter().map(|predecessor| {
            let from = self.slot(predecessor.task);
            let (sender, receiver) = (from.processor.index(), slot.processor.index());
            let transfer = problem.transfer(predecessor.cost.value(), sender, receiver);
            (from.finish.value() + transfer, from)
        });
        let tolerance = self.makespan().value() * 1e-9;
        let (time, latest) = before
            .map(|before| (before.finish.value(), before))
            .into_iter()
            .chain(inputs)
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        // In a schedule made by hand, a task may start later than necessary.
        (time + tolerance >= slot.start.value()).then_some(latest)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::id::{ProcessorId, TaskId};
    use crate::schedule::{Processors, Schedule};
    use crate::task_graph::TaskGraph;

    #[test]
    fn time_is_accounted_for() {
        let graph = TaskGraph::builder()
            .task("a", 2)
            .task("b", 3)
            .task("c", 1)
            .dependency("a", "c", 4)
            .build()
            .unwrap();
        let [a, b, c] = [0, 1, 2].map(TaskId::new);
        let two = Processors::new(2).unwrap();
        let schedule = Schedule::from_order(&graph, &two, &[vec![a], vec![b, c]]).unwrap();
        assert_eq!(schedule.makespan().value(), 7.0);
        assert_eq!(schedule.idle_time(ProcessorId::new(0)), 5.0);
        assert_eq!(schedule.busy_time(ProcessorId::new(1)), 4.0);
        assert_eq!(schedule.utilization(), 6.0 / 14.0);
        assert_eq!(schedule.speed_up(&graph).unwrap(), 6.0 / 7.0);
        assert_eq!(schedule.critical_path(&graph).unwrap(), [a, c]);
    }

    #[test]
    fn path_follows_the_processor_if_the_task_waited_for_it() {
        let graph = TaskGraph::builder().task("a", 2).task("b", 3).build();
        let graph = graph.unwrap();
        let one = Processors::new(1).unwrap();
        let [a, b] = [0, 1].map(TaskId::new);
        let schedule = Schedule::from_order(&graph, &one, &[vec![b, a]]).unwrap();
        assert_eq!(schedule.critical_path(&graph).unwrap(), [b, a]);
    }
}
