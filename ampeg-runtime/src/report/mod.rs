//! Planned against observed: when and where each task of a run was, and what moved.

use crate::run::event::{Attempt, Death, Transfer};
use crate::run::log::Log;
use ampeg_schedule::Cost;
use ampeg_schedule::Schedule;
use ampeg_schedule::TaskGraph;
use ampeg_schedule::TaskId;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod breakdown;
pub(crate) mod costs;
mod dot;
mod statements;
mod summary;
mod table;
mod trace;

pub use breakdown::Breakdown;
pub use costs::MeasuredCosts;

/// What happened in one run, against what was planned.
///
/// Printed, it is a summary: the times of the run and its plan, the statements that took most time, and wrong costs.
/// [`to_table`](Self::to_table) has a line for each task.
///
/// ```
/// let outcome = ampeg::graph! {
///     a = (0..1000_u64).sum::<u64>() @ 2;
///     b = (0..9_u64).product::<u64>() @ 1;
///     c = a + b @ 1 via 1;
/// }
/// .run(2)?;
/// let report = outcome.report();
/// let c = report.task_graph().find("c").expect("it is declared");
/// let observed = report.attempt(c).expect("it was run");
/// let planned = report.schedule().expect("it was run by a schedule").slot(c);
/// assert_eq!(observed.worker, planned.processor);
/// assert!(observed.start <= observed.finish && observed.finish <= report.duration());
/// assert!(report.to_string().contains("statement"));
/// assert!(report.to_table().contains("planned start"));
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a report does nothing until it is read or printed"]
pub struct Report {
    graph: Arc<TaskGraph>,
    schedule: Option<Arc<Schedule>>,
    log: Arc<Log>,
    /// By task, the place of its last attempt; found when it is first asked for.
    last: Arc<OnceLock<Vec<Option<usize>>>>,
}

impl Report {
    pub(crate) fn new(graph: &Arc<TaskGraph>, schedule: Arc<Schedule>, log: Log) -> Self {
        Self {
            graph: Arc::clone(graph),
            schedule: Some(schedule),
            log: Arc::new(log),
            last: Arc::default(),
        }
    }

    /// The report of a run that followed no schedule.
    pub(crate) fn inline(graph: &Arc<TaskGraph>, log: Log) -> Self {
        Self {
            graph: Arc::clone(graph),
            schedule: None,
            log: Arc::new(log),
            last: Arc::default(),
        }
    }

    /// The graph that was run.
    pub fn task_graph(&self) -> &TaskGraph {
        &self.graph
    }

    /// The schedule that was followed; none for a run inline.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_deref()
    }

    /// All attempts, in the order in which they ended.
    pub fn attempts(&self) -> &[Attempt] {
        &self.log.attempts
    }

    /// The last attempt at a task; none if it was not run to an end.
    pub fn attempt(&self, task: TaskId) -> Option<&Attempt> {
        let last = self.last.get_or_init(|| {
            let mut last = vec![None; self.graph.n_tasks()];
            for (place, attempt) in self.attempts().iter().enumerate() {
                last[attempt.task.index()] = Some(place);
            }
            last
        });
        let place = last.get(task.index()).copied()?;
        Some(&self.attempts()[place?])
    }

    /// The results that went from one worker to another.
    pub fn transfers(&self) -> &[Transfer] {
        &self.log.transfers
    }

    /// The deaths of workers during the run.
    pub fn deaths(&self) -> &[Death] {
        &self.log.deaths
    }

    /// How long the run took, workers' start not counted.
    pub fn duration(&self) -> Duration {
        self.log.duration
    }
}

fn seconds(duration: Duration) -> Cost {
    duration.into()
}
