//! Planned against observed: when and where each task of a run was, and what moved.

use crate::clock::Timestamp;
use crate::cost::Cost;
use crate::graph::TaskGraph;
use crate::id::{ProcessorId, TaskId};
use crate::message::AttemptReport;
use crate::progress::Running;
use crate::schedule::Schedule;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod breakdown;
mod costs;
mod dot;
mod table;

pub use breakdown::Breakdown;
pub use costs::MeasuredCosts;

/// What a coordinator notes of a run while it goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    begin: Timestamp,
    pub(crate) finish: Timestamp,
    pub(crate) attempts: Vec<Attempt>,
    transfers: Vec<Transfer>,
    deaths: Vec<ProcessorId>,
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

/// What happened in one run, against what was planned.
///
/// Printed, it is a table.
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
/// assert!(report.to_string().contains("planned start"));
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a report does nothing until it is read or printed"]
pub struct Report {
    graph: Arc<TaskGraph>,
    schedule: Option<Arc<Schedule>>,
    log: Log,
    /// By task, the place of its last attempt; found when it is first asked for.
    last: OnceLock<Vec<Option<usize>>>,
}

impl Report {
    pub(crate) fn new(graph: &Arc<TaskGraph>, schedule: Arc<Schedule>, log: Log) -> Self {
        Self {
            graph: Arc::clone(graph),
            schedule: Some(schedule),
            log,
            last: OnceLock::new(),
        }
    }

    /// The report of a run that followed no schedule.
    pub(crate) fn inline(graph: &Arc<TaskGraph>, log: Log) -> Self {
        Self {
            graph: Arc::clone(graph),
            schedule: None,
            log,
            last: OnceLock::new(),
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

    /// The workers that died during the run; one that died twice is there twice.
    pub fn deaths(&self) -> &[ProcessorId] {
        &self.log.deaths
    }

    /// How long the run took, workers' start not counted.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.log.finish.saturating_sub(self.log.begin))
    }
}

fn seconds(duration: Duration) -> Cost {
    duration.into()
}
