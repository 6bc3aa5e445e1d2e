//! The serialized form of a report. Deserialized data is checked: its tasks are those of its graph.

use super::Report;
use crate::run::event::{Attempt, Death, Transfer};
use crate::run::log::Log;
use ampeg_schedule::{Error, Schedule, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Report")]
pub(super) struct SerializedReport {
    graph: TaskGraph,
    schedule: Option<Schedule>,
    attempts: Vec<Attempt>,
    transfers: Vec<Transfer>,
    deaths: Vec<Death>,
    /// The captured output of tasks.
    output: Vec<(TaskId, String)>,
    duration: Duration,
}

impl From<Report> for SerializedReport {
    fn from(report: Report) -> Self {
        let log = Arc::unwrap_or_clone(report.log);
        Self {
            graph: Arc::unwrap_or_clone(report.graph),
            schedule: report.schedule.map(Arc::unwrap_or_clone),
            attempts: log.attempts,
            transfers: log.transfers,
            deaths: log.deaths,
            output: log.captured.into_iter().collect(),
            duration: log.duration,
        }
    }
}

impl TryFrom<SerializedReport> for Report {
    type Error = Error;

    fn try_from(serialized: SerializedReport) -> Result<Self, Error> {
        let SerializedReport {
            graph,
            schedule,
            attempts,
            transfers,
            deaths,
            output,
            duration,
        } = serialized;
        if let Some(schedule) = &schedule {
            schedule.validate(&graph)?;
        }
        let attempted = attempts.iter().map(|attempt| attempt.task);
        let moved = transfers.iter().map(|transfer| transfer.predecessor);
        let printed = output.iter().map(|&(task, _)| task);
        let mut unknown = attempted.chain(moved).chain(printed).map(TaskId::index);
        if let Some(task) = unknown.find(|&task| task >= graph.n_tasks()) {
            let n_tasks = graph.n_tasks();
            return Err(Error::new(format!(
                "a report has measurements of task {task}, but its graph has {n_tasks} tasks"
            )));
        }
        Ok(Self {
            graph: Arc::new(graph),
            schedule: schedule.map(Arc::new),
            log: Arc::new(Log {
                attempts,
                transfers,
                deaths,
                captured: output.into_iter().collect(),
                duration,
            }),
            last: Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::log::{Events, Observers};
    use crate::run::message::{AttemptReport, Observed};
    use ampeg_schedule::{Policy, ProcessorId, Processors, Scheduler, TaskId};
    use serde_json::Value;

    /// The report of a run in which `a` ended and a worker died.
    fn report() -> Report {
        let builder = TaskGraph::builder().task("a", 1.0).task("b", 0.1);
        let graph = Arc::new(builder.dependency("a", "b", 0.3).build().unwrap());
        let two = Processors::new(2).unwrap();
        let schedule = Policy::Heft.schedule(&graph, &two).unwrap();
        let mut events = Events::begin(&graph, Some(&schedule), 2, Observers::default(), 0);
        let attempt = AttemptReport {
            run: 1,
            task: TaskId::new(0),
            attempt: 1,
            result: Ok(None),
            will_retry: false,
            epoch: 0,
            observed: Observed::between(1_000, 2_345_678),
        };
        events.task_ends(ProcessorId::new(0), &attempt);
        let mut log = events.end(3_000_000).0;
        log.deaths.push(Death {
            worker: ProcessorId::new(1),
            at: Duration::from_nanos(1_234_567),
            reason: "SIGKILL".into(),
        });
        log.captured.insert(TaskId::new(0), "printed".into());
        Report::new(&graph, Arc::new(schedule), log)
    }

    #[test]
    fn report_survives() {
        let report = report();
        let text = serde_json::to_string(&report).unwrap();
        let read: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(read.to_table(), report.to_table());
        assert_eq!(read.to_string(), report.to_string());
        assert_eq!(read.to_trace(), report.to_trace());
        assert_eq!(read.attempts(), report.attempts());
        assert_eq!(read.deaths(), report.deaths());
        assert_eq!(read.output(TaskId::new(0)), "printed");
        assert_eq!(read.task_graph(), report.task_graph());
    }

    /// The error of a report in which one value was replaced.
    fn error(pointer: &str, value: Value) -> String {
        let mut changed = serde_json::to_value(report()).unwrap();
        *changed.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<Report>(changed)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn report_that_contradicts_itself_is_refused() {
        let error = error("/attempts/0/task", 2.into());
        assert_eq!(
            error,
            "a report has measurements of task 2, but its graph has 2 tasks"
        );
    }

    #[test]
    fn plan_of_another_graph_is_refused() {
        let error = error("/graph/tasks/0/costs/0", 9.0.into());
        assert!(error.contains("`a`"), "{error}");
    }
}
