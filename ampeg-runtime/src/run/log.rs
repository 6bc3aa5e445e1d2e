//! What happens in a run, as it is noted while the run goes on.

use crate::base::clock::Timestamp;
use crate::base::id::{ProcessorId, TaskId};
use crate::run::message::AttemptReport;
use crate::run::progress::Running;
use std::time::Duration;

/// What a coordinator notes of a run while it goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) begin: Timestamp,
    pub(crate) finish: Timestamp,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) deaths: Vec<ProcessorId>,
}

impl Log {
    /// The log of a run that begins now; most likely, each of its tasks is run once.
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
    /// When its result was ready to be used and sent, or its worker was found dead.
    pub finish: Duration,
    /// Whether it gave a result.
    pub succeeded: bool,
    /// The size of the encoded result; none if it had to be encoded for nobody.
    pub bytes: Option<u64>,
    /// How much of the time went into writing a result that only other workers needed.
    pub encoding: Duration,
    /// How much of the time went into reading inputs that came from other workers, and captured values: each worker
    /// reads a captured value once, unless the only task that uses it takes it.
    pub decoding: Duration,
}

impl Attempt {
    /// What the task itself took: from start to finish, without writing and reading what was moved.
    pub fn computation(&self) -> Duration {
        let moving = self.encoding + self.decoding;
        self.finish
            .saturating_sub(self.start)
            .saturating_sub(moving)
    }
}

/// A result on its way from one worker to another, as observed; times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The worker that sent it; none if the coordinator sent it again after a worker's death.
    pub from: Option<ProcessorId>,
    /// The worker that received it.
    pub to: ProcessorId,
    /// The task whose result it is.
    pub predecessor: TaskId,
    /// When it was sent.
    pub sent: Duration,
    /// When the receiving worker took it in.
    pub received: Duration,
    /// Its size.
    pub bytes: u64,
    /// What it took to read it, which is part of the time of the task that used it first.
    pub decoding: Duration,
}
