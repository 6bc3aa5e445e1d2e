//! Where and when each task runs: [`Schedule`], the schedulers that make one ([`Scheduler`], [`Policy`]), and [`Processors`].
//!
//! Everything here is a function of its arguments: no processes, no hash order, and no clock but that of [`Budget::Time`].
//! The plan of the runtime turns a schedule into the steps of each worker.
//!
//! # Model
//!
//! A task runs on one processor, without interruption, once all its inputs are available there.
//! A result is available at once on the processor that made it, and elsewhere after its communication cost.
//! Processors send and receive while they compute, and transfers do not slow each other down.
//!
//! # Which policy
//!
//! | policy | use |
//! |---|---|
//! | [`Policy::Fast`] | the default; never worse than HEFT, at six to nine times its time |
//! | [`Policy::Search`] | graphs that run long or often: a search of milliseconds to seconds pays off |
//! | [`Policy::Heft`] | graphs of a million tasks, and comparison with the literature |
//! | [`Policy::Cpop`], [`Policy::Peft`] | comparison with the literature |
//!
//! [`LowerBounds`] limit how far a schedule can be from the optimum, [`Scaling`] compares numbers of processors, and
//! [`Schedule::explain`] says why a task has its slot.
//! The benchmark `scheduling` compares all policies with proved optima and with other schedulers.

mod analysis;
mod arrivals;
mod bounds;
mod chart;
mod cpop;
mod error;
mod explain;
mod fast;
mod gantt;
mod heft;
mod lookahead;
mod order;
mod peft;
mod placer;
mod policy;
mod problem;
mod processors;
mod rank;
mod scaling;
mod search;
mod serialized;
mod sort;
mod table;
mod timeline;
mod timelines;
mod validate;

#[cfg(test)]
mod tests;

use crate::base::id::{ProcessorId, TaskId};
use crate::task_graph::cost::Time;
pub use bounds::LowerBounds;
pub use explain::{Candidate, Explanation};
use placer::Placement;
pub use policy::{Policy, Scheduler};
use problem::Problem;
pub use processors::Processors;
pub use scaling::{Scaling, ScalingRow};
pub use search::{Budget, Search};
use serde::{Deserialize, Serialize};
use sort::sort_spread;

/// The interval in which a task runs on a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The task.
    pub task: TaskId,
    /// The processor that runs it.
    pub processor: ProcessorId,
    /// When it starts.
    pub start: Time,
    /// When it ends.
    pub finish: Time,
}

/// Where and when each task of a graph runs.
///
/// A [`Scheduler`] makes it, or a program with [`Schedule::from_order`] or [`Schedule::from_slots`].
/// `Display` writes a table.
///
/// ```
/// use ampeg::TaskGraph;
/// use ampeg::schedule::{Policy, Processors, Scheduler};
///
/// let graph = TaskGraph::builder()
///     .task("left", 2)
///     .task("right", 3)
///     .task("both", 1)
///     .dependency("left", "both", 1)
///     .dependency("right", "both", 1)
///     .build()?;
/// let schedule = Policy::Heft.schedule(&graph, &Processors::new(2)?)?;
/// assert_eq!(schedule.makespan().value(), 4.0);
/// let both = schedule.slot(graph.find("both").unwrap());
/// assert_eq!(both.start.value(), 3.0);
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// Its serialized form has the processors and slots. Deserialization checks them as [`Schedule::from_slots`] does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "serialized::SerializedSchedule",
    into = "serialized::SerializedSchedule"
)]
#[must_use = "a schedule does nothing until it is run, as with `run_schedule`"]
pub struct Schedule {
    processors: Processors,
    /// By processor, and in time order on each.
    slots: Vec<Slot>,
    /// The slots of processor `p` are `slots[starts[p]..starts[p + 1]]`.
    starts: Vec<usize>,
    /// Where the slot of each task is.
    position: Vec<usize>,
    lower_bound: Option<Time>,
}

impl Schedule {
    /// The slots on one processor, in the order in which they run.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn slots(&self, processor: ProcessorId) -> &[Slot] {
        &self.slots[self.starts[processor.index()]..self.starts[processor.index() + 1]]
    }

    /// The slot of one task.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    pub fn slot(&self, task: TaskId) -> &Slot {
        &self.slots[self.position[task.index()]]
    }

    /// When the last task ends.
    pub fn makespan(&self) -> Time {
        let finishes = self.slots.iter().map(|slot| slot.finish);
        finishes.max().unwrap_or(Time::ZERO)
    }

    /// The lower bound on every makespan, if the scheduler computed one, as [`Policy::Fast`] and [`Policy::Search`] do.
    ///
    /// For other schedules use [`LowerBounds`].
    pub fn lower_bound(&self) -> Option<Time> {
        self.lower_bound
    }

    /// The excess of the makespan over the lower bound, as a share of the bound.
    ///
    /// With 0.05, no schedule is shorter by more than 5 % of the bound.
    /// `None` without a bound, or if the bound is zero and the makespan is not.
    pub fn gap(&self) -> Option<f64> {
        let (makespan, bound) = (self.makespan().value(), self.lower_bound?.value());
        if makespan <= bound {
            Some(0.0)
        } else {
            (bound > 0.0).then(|| makespan / bound - 1.0)
        }
    }

    /// The number of processors, used or not.
    pub fn n_processors(&self) -> usize {
        self.processors.len()
    }

    /// The number of tasks.
    pub fn n_tasks(&self) -> usize {
        self.slots.len()
    }

    /// The processors of this schedule.
    pub fn processors(&self) -> &Processors {
        &self.processors
    }

    /// The tasks on one processor, in the order in which they run.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    pub fn tasks(&self, processor: ProcessorId) -> impl ExactSizeIterator<Item = TaskId> + '_ {
        self.slots(processor).iter().map(|slot| slot.task)
    }

    /// Sorts placements into slots.
    ///
    /// Tasks without duration start together with the task after them. Their slots are in topological order.
    /// So the orders of all processors agree with one order of all tasks, and workers cannot deadlock.
    fn from_placements(problem: &Problem<'_>, placements: &[Placement]) -> Self {
        let order = problem.graph.topological_order();
        let slots = order.iter().map(|&task| {
            let placement = &placements[task.index()];
            Slot {
                task,
                processor: ProcessorId::new(placement.processor),
                start: Time::from_sum(placement.start),
                finish: Time::from_sum(placement.finish),
            }
        });
        Self::sorted(problem.processors.clone(), slots.collect())
    }

    /// Groups slots by processor and sorts them by time; those that start and finish together keep their order.
    fn sorted(processors: Processors, unsorted: Vec<Slot>) -> Self {
        let mut starts = vec![0; processors.len() + 1];
        for slot in &unsorted {
            starts[slot.processor.index() + 1] += 1;
        }
        for processor in 0..processors.len() {
            starts[processor + 1] += starts[processor];
        }
        let mut slots = unsorted.clone();
        let mut next = starts.clone();
        for slot in &unsorted {
            let next = &mut next[slot.processor.index()];
            slots[*next] = *slot;
            *next += 1;
        }
        let mut scratch = unsorted;
        for range in starts.windows(2) {
            let slots = &mut slots[range[0]..range[1]];
            let start = |slot: &Slot| slot.start.value();
            sort_spread(slots, &mut scratch, start, |a, b| {
                (a.start, a.finish).cmp(&(b.start, b.finish))
            });
        }
        let mut position = vec![0; slots.len()];
        for (index, slot) in slots.iter().enumerate() {
            position[slot.task.index()] = index;
        }
        Self {
            processors,
            slots,
            starts,
            position,
            lower_bound: None,
        }
    }
}
