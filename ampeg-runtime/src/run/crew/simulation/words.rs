//! Messages between coordinator and workers, in words.

use super::world::ToCoordinator;
use crate::plan::Step;
use crate::run::message::{AttemptReport, OpenStep, Recomputation, ToWorker};
use crate::value::codec;
use ampeg_schedule::TaskId;
use std::fmt::Display;

/// Describes a message to a worker.
pub(super) fn message(message: &ToWorker) -> String {
    match message {
        ToWorker::Graph { .. } | ToWorker::GraphHere(_) => "the graph".into(),
        ToWorker::Capture(_) => "a captured value".into(),
        ToWorker::Plan { steps, .. } => {
            let steps: Vec<Step> = codec::decode_fields(steps).unwrap_or_default();
            format!(
                "the plan of tasks [{}]",
                list(steps.iter().map(|step| step.task))
            )
        }
        ToWorker::Begin { run, open: None } => format!("the beginning of run {run}"),
        ToWorker::Begin {
            run,
            open: Some(open),
        } => {
            let open: Vec<OpenStep> = codec::decode_fields(open).unwrap_or_default();
            let open = open
                .iter()
                .map(|it| format!("{} (attempt {})", it.position, it.attempt));
            format!("the rest of run {run}: positions [{}]", list(open))
        }
        ToWorker::Recompute { run, steps } => {
            let steps: Vec<Recomputation> = codec::decode_fields(steps).unwrap_or_default();
            let steps = steps.iter().map(|it| {
                let (task, attempt, before) = (it.step.task, it.attempt, it.before);
                format!("{task} (attempt {attempt}, before position {before})")
            });
            format!("to compute tasks [{}] of run {run} again", list(steps))
        }
        ToWorker::Value(value) => format!("the result of task {} of run {}", value.task, value.run),
        ToWorker::Skip {
            run,
            steps,
            recomputations,
        } => format!(
            "to skip positions [{}] of run {run}, and not to compute tasks [{}] again",
            list(steps),
            list(recomputations.iter().map(TaskId::to_string))
        ),
        ToWorker::End { run } => format!("the end of run {run}"),
        ToWorker::Unload => "that the graph is gone".into(),
        ToWorker::Stop => "to stop".into(),
    }
}

/// Describes a report of a worker.
pub(super) fn report(report: &AttemptReport) -> String {
    let (run, task, attempt, epoch) = (report.run, report.task, report.attempt, report.epoch);
    let how = if report.result.is_ok() {
        "done"
    } else {
        "failed"
    };
    format!("task {task} of run {run} is {how}, attempt {attempt}, in epoch {epoch}")
}

/// A list of items, separated by commas.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items = items.into_iter().map(|item| item.to_string());
    items.collect::<Vec<_>>().join(", ")
}

impl ToCoordinator {
    /// Describes a message to the coordinator.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Reports(worker, _, reports) => {
                format!("{} reports of worker {worker}", reports.len())
            }
            Self::Arrived(worker, _) => format!("the hello of worker {worker}"),
            Self::Exited(worker, ..) => format!("the exit of worker {worker}"),
            Self::Woken => "that it is woken".into(),
        }
    }
}
