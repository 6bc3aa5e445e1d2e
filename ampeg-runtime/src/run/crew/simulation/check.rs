//! The properties of every run, whatever happened in it.

use super::record::Record;
use super::scenario::Program;
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::Limits;
use crate::run::log::Log;
use crate::testing::{Action, expected, marks};
use crate::value::payload::Payload;

/// A property that a simulation checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// Every run ends.
    Ends,
    NoPanic,
    /// A run returns results, unless its workers cannot be started.
    GivesResults,
    /// Every value equals the value of a sequential evaluation.
    RightValues,
    /// No task fails without a reason.
    RightErrors,
    /// No task has more attempts than allowed.
    Attempts,
    /// Results that exist when a run is cancelled are not lost.
    Keeps,
    /// The log of a run has all attempts of that run and no others.
    RightLog,
}

impl Property {
    pub(super) const ALL: &[Self] = &[
        Self::Ends,
        Self::NoPanic,
        Self::GivesResults,
        Self::RightValues,
        Self::RightErrors,
        Self::Attempts,
        Self::Keeps,
        Self::RightLog,
    ];
}

/// A property that does not hold, and a description.
pub(super) type Broken = (Property, String);

/// The number of deaths or failed starts of a worker that may use up an attempt at its next task.
const DEATHS: usize = 3;

/// Everything that is wrong with the results and the log of a run that ended.
pub(super) fn check(
    program: &Program,
    record: &Record,
    results: Vec<Option<Result<Payload, TaskError>>>,
    log: &Log,
) -> Vec<Broken> {
    let mut broken: Vec<_> = check_log(program, record, log).err().into_iter().collect();
    broken.extend(check_existing(record, &results).err());
    for (task, result) in results.iter().enumerate() {
        if let Some(Err(error)) = result {
            broken.extend(check_error(program, record, task, error).err());
        }
    }
    let mut results = crate::testing::outcome::results(program.definition(), results);
    let blobs = results.take_blobs();
    marks::set_run(record.run);
    for (task, (blob, expected)) in blobs.iter().zip(expected(&program.nodes)).enumerate() {
        if let Some(Ok(blob)) = blob
            && Some(blob.digest) != expected
        {
            let message = format!("task {task} gives {:x}, not {expected:x?}", blob.digest);
            broken.push((Property::RightValues, message));
        }
    }
    broken
}

fn check_existing(
    record: &Record,
    results: &[Option<Result<Payload, TaskError>>],
) -> Result<(), Broken> {
    for &(worker, task) in &record.existing {
        // Held-back reports are lost with their worker, and late reports are lost at the end of the wait.
        let may_be_lost = record.n_deaths(worker) > 0 || record.is_out_of_time;
        if let Some(Err(error)) = &results[task.index()]
            && matches!(error.kind(), TaskErrorKind::Cancelled)
            && !may_be_lost
        {
            let message = format!("the result of task {task} is lost on worker {worker}");
            return Err((Property::Keeps, message));
        }
    }
    Ok(())
}

fn check_log(program: &Program, record: &Record, log: &Log) -> Result<(), Broken> {
    let mut real: Vec<_> = record
        .ended
        .iter()
        .copied()
        .chain(record.crashed())
        .collect();
    for attempt in &log.attempts {
        let place = real.iter().position(|(worker, real)| {
            (*worker, real.task, real.attempt) == (attempt.worker, attempt.task, attempt.number)
        });
        let (task, number, worker) = (attempt.task, attempt.number, attempt.worker);
        let Some(place) = place else {
            let run = record.run;
            let message = format!(
                "attempt {number} at task {task} on worker {worker} is in the log of run {run}, but not of that run"
            );
            return Err((Property::RightLog, message));
        };
        real.swap_remove(place);
        if number > attempts(&program.limits[task.index()]) {
            let message = format!("task {task} was tried {number} times");
            return Err((Property::Attempts, message));
        }
    }
    match real.first() {
        Some((worker, missing)) => {
            let (task, number) = (missing.task, missing.attempt);
            let message =
                format!("attempt {number} at task {task} on worker {worker} is not in the log");
            Err((Property::RightLog, message))
        }
        None => Ok(()),
    }
}

fn check_error(
    program: &Program,
    record: &Record,
    task: usize,
    error: &TaskError,
) -> Result<(), Broken> {
    let root = error.root();
    let culprit = root.task().trim_start_matches("node").parse();
    let culprit: usize = culprit.expect("tasks are named by number");
    let limits = &program.limits[culprit];
    let has_reason = match root.kind() {
        TaskErrorKind::Failed { .. } => match program.nodes[culprit].action {
            Action::Fail => true,
            Action::ComputeOnce => marks::count(record.run, culprit) > 1,
            _ => false,
        },
        TaskErrorKind::Panicked { .. } => program.nodes[culprit].action == Action::Panic,
        TaskErrorKind::Crashed { .. } => crashed(program, record, culprit),
        TaskErrorKind::TimedOut { .. } => {
            limits.within.is_some() && crashed(program, record, culprit)
        }
        TaskErrorKind::NoWorker { .. } => is_given_up(program, record, culprit),
        TaskErrorKind::Cancelled => record.is_cancelled,
        _ => false,
    };
    if !has_reason || !depends(program, task, culprit) {
        return Err((
            Property::RightErrors,
            format!("task {task} has no reason to fail: {error}"),
        ));
    }
    if root.attempt() > attempts(limits) {
        return Err((
            Property::Attempts,
            format!("task {task} was tried too often: {error}"),
        ));
    }
    Ok(())
}

/// Whether the last attempt at a task crashed.
fn crashed(program: &Program, record: &Record, task: usize) -> bool {
    let last = attempts(&program.limits[task]);
    let mut crashed = record.crashed();
    crashed.any(|(_, it)| it.task.index() == task && it.attempt >= last)
}

/// Whether the worker of a task, or a worker that had to compute the task again, died or failed to start several times.
fn is_given_up(program: &Program, record: &Record, task: usize) -> bool {
    let home = program.plan.homes[task].worker;
    record.n_deaths(home) >= DEATHS || record.n_failed_starts(home) >= DEATHS
}

/// Whether `task` is `on` or depends on it, directly or indirectly.
fn depends(program: &Program, task: usize, on: usize) -> bool {
    let mut parents = program.nodes[task].parents.iter();
    task == on || parents.any(|&parent| depends(program, parent, on))
}

fn attempts(limits: &Limits) -> u32 {
    limits.retry + 1
}
