//! Reports of runs: when and where each task ran and each result moved, compared with the plan.

use crate::run::event::{Attempt, Death, Transfer};
use crate::run::log::Log;
use ampeg_schedule::{Cost, Schedule, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod breakdown;
pub(crate) mod costs;
mod dot;
#[cfg(any(test, feature = "progress"))]
pub(crate) mod progress;
mod serialized;
mod statements;
mod summary;
mod table;
mod trace;

pub use breakdown::Breakdown;
pub use costs::MeasuredCosts;

/// The record of one run, with its plan.
///
/// `Display` writes a summary: the times of the run and its plan, the statements that took most time, and wrong
/// costs.
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
///
/// A report can be serialized, to compare it with later runs. A deserialized report is checked.
///
/// ```
/// use ampeg::{Report, graph};
///
/// let outcome = graph! { a = 1; b = a + 1; }.run(2)?;
/// let text = serde_json::to_string(outcome.report()).expect("a report can be written as JSON");
/// let report: Report = serde_json::from_str(&text).expect("it was written by a report");
/// assert_eq!(report.duration(), outcome.report().duration());
/// assert_eq!(report.to_table(), outcome.report().to_table());
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    try_from = "serialized::SerializedReport",
    into = "serialized::SerializedReport"
)]
#[must_use = "a report does nothing until it is read or printed"]
pub struct Report {
    graph: Arc<TaskGraph>,
    schedule: Option<Arc<Schedule>>,
    log: Arc<Log>,
    /// By task: the index of its last attempt. Computed at the first use.
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

    /// The report of a run without a schedule.
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

    /// The schedule that the run followed; `None` for an inline run.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_deref()
    }

    /// All attempts, in the order in which they ended.
    pub fn attempts(&self) -> &[Attempt] {
        &self.log.attempts
    }

    /// The last attempt at a task; `None` if no attempt ended.
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

    /// The results that moved between workers.
    pub fn transfers(&self) -> &[Transfer] {
        &self.log.transfers
    }

    /// The deaths of workers during the run.
    pub fn deaths(&self) -> &[Death] {
        &self.log.deaths
    }

    /// What a task wrote to stdout and stderr in all attempts, in the order in which it was read; empty unless it was
    /// [`Captured`](crate::Output::Captured). Of more than 1 MiB the end is kept.
    ///
    /// ```
    /// use ampeg::{Output, Pool, graph};
    ///
    /// let pool = Pool::builder().processes(2).output(Output::Captured).build()?;
    /// let outcome = pool.run(&graph! { part[i in 0..3] = println!("this is {i}"); })?;
    /// let report = outcome.report();
    /// let part = report.task_graph().find("part[2]").expect("it is declared");
    /// assert_eq!(report.output(part), "this is 2\n");
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn output(&self, task: TaskId) -> &str {
        self.log.captured.get(&task).map_or("", String::as_str)
    }

    /// The duration of the run, without the start of workers.
    pub fn duration(&self) -> Duration {
        self.log.duration
    }
}

fn seconds(duration: Duration) -> Cost {
    duration.into()
}
