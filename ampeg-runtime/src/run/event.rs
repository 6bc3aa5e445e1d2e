//! The events of a run, for observers and the report: [`Event`].

use crate::base::failure::TaskErrorKind;
use ampeg_schedule::{ProcessorId, Schedule, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Something that happened in a run.
///
/// [`PoolBuilder::observe`](crate::PoolBuilder::observe) sends events to an [`Observer`]; the [`Report`](crate::Report)
/// is made of the same events. Times count from the start of the run. Tasks have the names that reports use.
///
/// Of each attempt, [`TaskBegan`](Self::TaskBegan) comes before [`TaskEnded`](Self::TaskEnded) or
/// [`TaskFailed`](Self::TaskFailed). An attempt has no such end if its worker died before it could report the attempt,
/// or if the run ended before: [`WorkerDied`](Self::WorkerDied) and [`RunEnded`](Self::RunEnded) end all attempts of
/// the worker and of the run. Results of tasks can be lost with a worker; then a task begins again after it ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The first event of a run.
    RunBegan {
        /// The graph.
        graph: &'a TaskGraph,
        /// The schedule that the run follows; `None` for an inline run.
        schedule: Option<&'a Schedule>,
        /// The number of workers, used or not.
        n_workers: usize,
    },
    /// An attempt at a task began.
    ///
    /// The coordinator reads from shared memory, about every 20 ms, what each worker does. So this event comes up to
    /// 20 ms after `at` for a task that takes longer than that, and right before its end for a shorter one.
    TaskBegan {
        /// The name of the task.
        task: &'a str,
        /// The task.
        id: TaskId,
        /// Where it runs.
        worker: ProcessorId,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// When it began.
        at: Duration,
    },
    /// An attempt at a task returned a result.
    TaskEnded {
        /// The name of the task.
        task: &'a str,
        /// The attempt, with its times and sizes.
        attempt: &'a Attempt,
    },
    /// An attempt at a task returned no result.
    TaskFailed {
        /// The name of the task.
        task: &'a str,
        /// The attempt.
        attempt: &'a Attempt,
        /// What went wrong; `None` if the worker died, which [`WorkerDied`](Self::WorkerDied) describes next.
        error: Option<&'a TaskErrorKind>,
        /// Whether another attempt follows.
        will_retry: bool,
    },
    /// A worker received a result from another worker.
    ///
    /// Comes right before the end of the attempt that used the result first.
    ResultMoved {
        /// The name of the task whose result it is.
        task: &'a str,
        /// The transfer, with its times and size.
        transfer: &'a Transfer,
    },
    /// A worker process died.
    WorkerDied {
        /// Which worker, when and how.
        death: &'a Death,
        /// Whether another process is started in its place.
        is_replaced: bool,
    },
    /// A worker process is connected, in place of one that died.
    WorkerStarted {
        /// Which worker.
        worker: ProcessorId,
        /// When it was connected.
        at: Duration,
    },
    /// The last event of a run.
    RunEnded {
        /// How long the run took.
        duration: Duration,
        /// Whether it was ended early: it was cancelled, had no time left, or too many of its tasks had failed.
        is_cancelled: bool,
    },
}

/// Follows the runs of a [`Pool`](crate::Pool), or an inline run, event by event.
///
/// Every closure that takes a `&Event<'_>` is an observer.
///
/// The thread that coordinates the run calls it and waits for it, so a slow observer delays the run. If an observer
/// panics, the run goes on, a warning is logged, and the observer gets no further events.
/// An observer that runs a graph on the pool that it observes gets an error.
pub trait Observer: Send + Sync {
    /// Receives the next event.
    fn on_event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn on_event(&self, event: &Event<'_>) {
        (**self).on_event(event);
    }
}

/// One attempt at a task, as observed. Times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// The worker that ran it.
    pub worker: ProcessorId,
    /// The number of the attempt, from 1.
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
    /// The time from start to finish, without encoding and decoding.
    pub fn computation(&self) -> Duration {
        let moving = self.encoding + self.decoding;
        self.finish
            .saturating_sub(self.start)
            .saturating_sub(moving)
    }
}

/// One transfer of a result to another worker, as observed. Times count from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The death of a worker process. Its time counts from the start of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// The worker.
    pub worker: ProcessorId,
    /// When the death was noticed.
    pub at: Duration,
    /// How the process ended.
    pub reason: String,
}
