//! What really happened in a run, against which its results and its log are checked.

use super::process::Attempted;
use crate::run::message::{AttemptReport, RunId};
use ampeg_schedule::{ProcessorId, TaskId};

/// What the coordinator was told in one run, and what is behind it.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) run: RunId,
    /// The attempts of this run whose ends were told.
    pub(super) ended: Vec<(ProcessorId, Attempted)>,
    /// The workers whose deaths were told, and what they were running.
    pub(super) deaths: Vec<(ProcessorId, Option<Attempted>)>,
    /// The outputs that existed when the run was cancelled, and whose reports have not been lost since.
    pub(super) existing: Vec<(ProcessorId, TaskId)>,
    pub(super) is_cancelled: bool,
    /// Whether time has passed since, or the run was out of time before, so that what is late may be lost.
    pub(super) is_out_of_time: bool,
    /// Whether time has passed though something could happen.
    pub(super) was_slow: bool,
    /// By worker: how often one could not be started, in all runs.
    pub(super) failed_starts: Vec<(ProcessorId, usize)>,
}

impl Record {
    /// Goes on with the next run.
    pub(super) fn begin(&mut self, run: RunId) {
        *self = Self {
            run,
            failed_starts: std::mem::take(&mut self.failed_starts),
            ..Self::default()
        };
    }

    pub(super) fn ended(&mut self, worker: ProcessorId, report: &AttemptReport) {
        if report.run == self.run {
            let (run, task, attempt) = (report.run, report.task, report.attempt);
            self.ended.push((worker, Attempted { run, task, attempt }));
        }
    }

    /// Notes outputs that exist, as reports tell that the coordinator has not seen yet.
    pub(super) fn exist<'a>(
        &mut self,
        worker: ProcessorId,
        reports: impl IntoIterator<Item = &'a AttemptReport>,
    ) {
        for report in reports {
            if report.run == self.run && matches!(report.result, Ok(Some(_))) {
                self.existing.push((worker, report.task));
            }
        }
    }

    pub(super) fn failed_start(&mut self, worker: ProcessorId) {
        match self.failed_starts.iter_mut().find(|it| it.0 == worker) {
            Some((_, n)) => *n += 1,
            None => self.failed_starts.push((worker, 1)),
        }
    }

    /// The attempts of this run that ended with their workers.
    pub(super) fn crashed(&self) -> impl Iterator<Item = (ProcessorId, Attempted)> {
        let of_this_run = |attempted: &Attempted| attempted.run == self.run;
        let running = self.deaths.iter();
        running.filter_map(move |&(worker, current)| Some((worker, current.filter(of_this_run)?)))
    }

    /// How often a worker has died.
    pub(super) fn n_deaths(&self, worker: ProcessorId) -> usize {
        let of_worker = |&&(other, _): &&(ProcessorId, _)| other == worker;
        self.deaths.iter().filter(of_worker).count()
    }

    /// How often a worker could not be started.
    pub(super) fn n_failed_starts(&self, worker: ProcessorId) -> usize {
        let of_worker = self.failed_starts.iter().filter(|it| it.0 == worker);
        of_worker.map(|&(_, n)| n).sum()
    }
}
