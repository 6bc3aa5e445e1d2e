//! The events that really happened in a run. Its results and its log are checked against them.

use super::process::Attempted;
use crate::run::message::{AttemptReport, RunId};
use ampeg_schedule::{ProcessorId, TaskId};

/// The events of one run: those that the coordinator received, and those that it cannot see.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) run: RunId,
    /// The attempts of this run whose reports the coordinator received.
    pub(super) ended: Vec<(ProcessorId, Attempted)>,
    /// The workers whose exits the coordinator received, and the attempts that they were running.
    pub(super) deaths: Vec<(ProcessorId, Option<Attempted>)>,
    /// The outputs that existed when the run was cancelled, and whose reports were not lost since.
    pub(super) existing: Vec<(ProcessorId, TaskId)>,
    pub(super) is_cancelled: bool,
    /// Whether time has passed since the cancel, or the run was out of time before, so that late reports may be lost.
    pub(super) is_out_of_time: bool,
    /// Whether time has passed although something could happen.
    pub(super) was_slow: bool,
    /// By worker: the number of failed starts in all runs.
    pub(super) failed_starts: Vec<(ProcessorId, usize)>,
}

impl Record {
    /// Begins the next run.
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

    /// Records outputs that exist, according to reports that the coordinator has not received.
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

    /// The attempts of this run that ended with the death of their worker.
    pub(super) fn crashed(&self) -> impl Iterator<Item = (ProcessorId, Attempted)> {
        let of_this_run = |attempted: &Attempted| attempted.run == self.run;
        let running = self.deaths.iter();
        running.filter_map(move |&(worker, current)| Some((worker, current.filter(of_this_run)?)))
    }

    /// The number of deaths of a worker.
    pub(super) fn n_deaths(&self, worker: ProcessorId) -> usize {
        let of_worker = |&&(other, _): &&(ProcessorId, _)| other == worker;
        self.deaths.iter().filter(of_worker).count()
    }

    /// The number of failed starts of a worker.
    pub(super) fn n_failed_starts(&self, worker: ProcessorId) -> usize {
        let of_worker = self.failed_starts.iter().filter(|it| it.0 == worker);
        of_worker.map(|&(_, n)| n).sum()
    }
}
