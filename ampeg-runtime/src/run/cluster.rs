//! The trait that a transport implements for a coordinator: [`Cluster`]. The trait for workers is
//! [`Link`](crate::run::worker::Link).
//!
//! A worker is first absent, starts after [`Cluster::start`], is present after [`ClusterEvent::Joined`], and absent
//! again after [`ClusterEvent::Exited`].

use crate::base::clock::{Timestamp, now};
use crate::base::failure::{UNKNOWN_END, write_traces};
use crate::base::signal::signal_name;
use crate::run::message::{AttemptReport, Epoch, ToWorker};
use crate::run::progress::Activity;
use ampeg_schedule::{ProcessorId, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The workers of a coordinator, and the channels to and between the workers.
pub(crate) trait Cluster: Send + fmt::Debug {
    fn n_workers(&self) -> usize;

    /// Whether workers are threads of this process, and share its memory.
    fn is_here(&self) -> bool {
        false
    }

    /// Sends a message. Messages to one worker arrive in order. Nothing is sent to an absent worker.
    ///
    /// This never waits for a worker: if the worker accepts no message now, the message is kept and sent later. If
    /// memory or descriptors for the message are exhausted, the worker is ended, and its exit has the reason.
    fn send(&mut self, to: ProcessorId, message: ToWorker);

    /// Waits for the next event until the timeout.
    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent>;

    /// Starts a process for an absent worker, and returns at once. [`ClusterEvent::Joined`] follows, or
    /// [`ClusterEvent::Exited`] if the start fails.
    fn start(&mut self, worker: ProcessorId);

    /// Sends the address of a worker that has joined to all other workers, and returns the new epoch.
    fn introduce(&mut self, worker: ProcessorId) -> Epoch;

    /// The epoch of the last introduction.
    fn epoch(&self) -> Epoch;

    /// The epoch in which a worker was introduced to the others; none if the worker is absent or not introduced yet.
    fn since(&self, worker: ProcessorId) -> Option<Epoch>;

    /// Ends a worker, whatever it is doing, if the transport can. [`ClusterEvent::Exited`] follows.
    fn kill(&mut self, worker: ProcessorId) -> bool;

    /// Whether a worker accepts no more messages for now.
    fn is_full(&self, worker: ProcessorId) -> bool;

    /// The current activity of a worker, or its last one if it has exited.
    fn activity(&self, worker: ProcessorId) -> Activity;

    /// The process of a worker, if the worker has one of its own.
    #[cfg(test)]
    fn pid(&self, worker: ProcessorId) -> Option<u32>;

    /// The current time, for messages that are sent now.
    fn now(&self) -> Timestamp {
        now()
    }

    /// A function that makes `receive` return early. Any thread may call it, and it never blocks for long.
    fn waker(&self) -> Box<dyn Fn() + Send + Sync>;

    /// Called when a run of a graph begins. If `prints` is true, the thread that calls `receive` prints the output of tasks.
    fn begin_run(&mut self, prints: bool, graph: &Arc<TaskGraph>) {
        // Tasks in threads print their output themselves.
        let _ = (prints, graph);
    }

    /// Called when a run is over. All output of its tasks was passed on when this returns. Returns the captured output.
    fn end_run(&mut self) -> Captured {
        Captured::new()
    }
}

/// What tasks have written, where that is not passed on.
pub(crate) type Captured = BTreeMap<TaskId, String>;

/// An event that a coordinator receives from its workers.
#[derive(Debug)]
pub(crate) enum ClusterEvent {
    /// Reports, in the order in which the worker made them.
    Reports(ProcessorId, Vec<AttemptReport>),
    /// A worker is connected. It has no graph yet, and the other workers cannot reach it yet.
    Joined(ProcessorId),
    /// A worker has ended. All its reports have arrived before.
    Exited(ProcessorId, Exit),
    /// The channel to the workers is broken: no more events will come.
    Lost(String),
    /// The waker was used.
    Woken,
}

/// How a worker ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) signal: Option<i32>,
    pub(crate) code: Option<i32>,
    /// The end of the worker's stderr.
    pub(crate) stderr: String,
    /// The panics of the worker in its last attempt and after it.
    pub(crate) panics: Vec<String>,
    /// The reason why this side ended the worker or could not start it; none if it ended for another reason.
    pub(crate) reason: Option<String>,
}

impl Exit {
    /// Whether something outside this program killed the worker. The next process may work.
    pub(crate) fn is_kill(&self) -> bool {
        self.signal == Some(9) && self.reason.is_none()
    }

    /// Whether the worker ended like a program that has used up its processor time.
    pub(crate) fn may_be_for_lack_of_time(&self) -> bool {
        self.is_kill() || self.signal == Some(24)
    }

    /// Whether the worker ended like a program that gets no memory: it aborted, or used memory that it did not get.
    pub(crate) fn may_be_for_lack_of_memory(&self) -> bool {
        matches!(self.signal, Some(4 | 5 | 6 | 7 | 11)) || self.code.is_some_and(|code| code > 100)
    }

    /// The signal or exit code, in words.
    pub(crate) fn how(&self) -> String {
        match (self.signal, self.code) {
            (Some(signal), _) => {
                format!("it was killed by signal {signal}{}", signal_name(signal))
            }
            (_, Some(code)) => format!("it exited with code {code}"),
            _ => format!("it is gone; {UNKNOWN_END}"),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => f.write_str(reason)?,
            None => f.write_str(&self.how())?,
        }
        write_traces(f, &self.panics, &self.stderr)
    }
}
