//! The trait that a transport implements for a coordinator: [`Cluster`]. Workers: [`Link`](crate::run::worker::Link).
//!
//! A worker is absent, then starting ([`Cluster::start`]), then present ([`ClusterEvent::Joined`]), then absent again
//! ([`ClusterEvent::Exited`]).

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

/// Workers, and the channels to and between them, as the coordinator has them.
pub(crate) trait Cluster: Send + fmt::Debug {
    fn n_workers(&self) -> usize;

    /// Whether workers are in this very process, and share its memory.
    fn is_here(&self) -> bool {
        false
    }

    /// Sends a message; messages to one worker arrive in order. To one that is not there nothing is sent.
    ///
    /// It does not wait for a worker that takes nothing: the message is kept, and sent later.
    /// If the message cannot be sent for want of memory or descriptors, the worker is ended, and its exit says why.
    fn send(&mut self, to: ProcessorId, message: ToWorker);

    /// The next event, waited for until the timeout.
    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent>;

    /// Starts a worker in the place of one that is absent, and returns at once: [`ClusterEvent::Joined`] follows, or
    /// [`ClusterEvent::Exited`] if it does not get so far.
    fn start(&mut self, worker: ProcessorId);

    /// Sends all other workers the address of a worker that has joined, and returns the new epoch.
    fn introduce(&mut self, worker: ProcessorId) -> Epoch;

    /// The epoch of the last introduction.
    fn epoch(&self) -> Epoch;

    /// The epoch in which a worker was introduced to the others; none if it is not there, or not introduced yet.
    fn since(&self, worker: ProcessorId) -> Option<Epoch>;

    /// Ends a worker, whatever it is doing, if the transport can; an [`ClusterEvent::Exited`] follows.
    fn kill(&mut self, worker: ProcessorId) -> bool;

    /// Whether a worker takes no more messages for now.
    fn is_full(&self, worker: ProcessorId) -> bool;

    /// What a worker is doing, or was doing when it exited.
    fn activity(&self, worker: ProcessorId) -> Activity;

    /// The process that a worker lives in, if it has one of its own.
    #[cfg(test)]
    fn pid(&self, worker: ProcessorId) -> Option<u32>;

    /// The time, for what is sent now.
    fn now(&self) -> Timestamp {
        now()
    }

    /// Makes `receive` return early, from any thread. It never blocks for long.
    fn waker(&self) -> Box<dyn Fn() + Send + Sync>;

    /// A run of a graph begins; `prints` says whether what its tasks print is to be printed by the thread that receives.
    fn begin_run(&mut self, prints: bool, graph: &Arc<TaskGraph>) {
        // Tasks in threads print by themselves.
        let _ = (prints, graph);
    }

    /// A run is over: what its tasks have printed is passed on by now. Returns what was to be captured.
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
    /// A worker has ended; all its reports have arrived before.
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
    /// The end of what it wrote to stderr.
    pub(crate) stderr: String,
    /// What panicked in it, in the task that was running or after it.
    pub(crate) panics: Vec<String>,
    /// Why this side ended it, or could not start it; none if it ended without that.
    pub(crate) reason: Option<String>,
}

impl Exit {
    /// Whether it was killed from outside: that says nothing about the next one.
    pub(crate) fn is_kill(&self) -> bool {
        self.signal == Some(9) && self.reason.is_none()
    }

    /// Whether it ended as the system ends programs that have used up their processor time.
    pub(crate) fn may_be_for_lack_of_time(&self) -> bool {
        self.is_kill() || self.signal == Some(24)
    }

    /// Whether it ended as programs do that get no memory: by aborting, or by using what they did not get.
    pub(crate) fn may_be_for_lack_of_memory(&self) -> bool {
        matches!(self.signal, Some(4 | 5 | 6 | 7 | 11)) || self.code.is_some_and(|code| code > 100)
    }

    /// Signal or exit code, in words.
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
