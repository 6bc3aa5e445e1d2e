//! Records what happens in a run: attempts, transfers and deaths.

use crate::base::clock::Timestamp;
use crate::run::message::AttemptReport;
use crate::run::progress::Running;
use ampeg_schedule::{ProcessorId, TaskId};
use std::time::Duration;

/// The record of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) begin: Timestamp,
    pub(crate) finish: Timestamp,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) deaths: Vec<ProcessorId>,
}

impl Log {
    /// The record of a run that begins now. Most runs have one attempt per task.
    pub(crate) fn begin(begin: Timestamp, n_tasks: usize) -> Self {
        Self {
            begin,
            finish: begin,
            attempts: Vec::with_capacity(n_tasks),
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, worker: ProcessorId, report: &AttemptReport) {
        let since = |time: Timestamp| Duration::from_nanos(time.saturating_sub(self.begin));
        let arrivals = report.observed.arrivals.iter();
        self.attempts.push(Attempt {
            task: report.task,
            worker,
            number: report.attempt,
            start: since(report.observed.start),
            finish: since(report.observed.finish),
            succeeded: report.result.is_ok(),
            bytes: report.observed.bytes,
            encoding: Duration::from_nanos(report.observed.encoding),
            decoding: Duration::from_nanos(
                report.observed.reading + arrivals.clone().map(|it| it.decoding).sum::<u64>(),
            ),
        });
        for arrival in arrivals {
            self.transfers.push(Transfer {
                from: arrival.from,
                to: worker,
                predecessor: arrival.task,
                sent: since(arrival.sent),
                received: since(arrival.received),
                bytes: arrival.bytes,
                decoding: Duration::from_nanos(arrival.decoding),
            });
        }
    }

    pub(crate) fn died(
        &mut self,
        worker: ProcessorId,
        running: Option<Running>,
        noticed: Timestamp,
    ) {
        self.deaths.push(worker);
        let since = |time: Timestamp| Duration::from_nanos(time.saturating_sub(self.begin));
        self.attempts.extend(running.map(|running| Attempt {
            task: running.task,
            worker,
            number: running.attempt,
            start: since(running.start),
            finish: since(noticed),
            succeeded: false,
            bytes: None,
            encoding: Duration::ZERO,
            decoding: Duration::ZERO,
        }));
    }
}

/// One attempt at a task, as observed; times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// Where it ran.
    pub worker: ProcessorId,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// When its body started.
    pub start: Duration,
    /// When its result was ready to be used and sent, or when its worker was found dead.
    pub finish: Duration,
    /// Whether it returned a result.
    pub succeeded: bool,
    /// The size of the encoded result in bytes; `None` if no other process needed the result.
    pub bytes: Option<u64>,
    /// The part of this time that was spent on encoding a result that only other workers needed.
    pub encoding: Duration,
    /// The part of this time that was spent on decoding inputs from other workers and captured values.
    ///
    /// A worker decodes a captured value once, unless the only task that uses the value takes it.
    pub decoding: Duration,
}

impl Attempt {
    /// The time of the task itself: from start to finish, without encoding and decoding.
    pub fn computation(&self) -> Duration {
        let moving = self.encoding + self.decoding;
        self.finish
            .saturating_sub(self.start)
            .saturating_sub(moving)
    }
}

/// One transfer of a result to another worker, as observed. Times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The worker that sent the result; `None` if the calling process sent it again after a worker's death.
    pub from: Option<ProcessorId>,
    /// The worker that received the result.
    pub to: ProcessorId,
    /// The task whose result it is.
    pub predecessor: TaskId,
    /// When the result was sent.
    pub sent: Duration,
    /// When the receiving worker accepted the result.
    pub received: Duration,
    /// The size of the encoded result in bytes.
    pub bytes: u64,
    /// The time spent on decoding the result. It is part of the time of the task that used the result first.
    pub decoding: Duration,
}
