//! What a transport must do for a coordinator; the workers' side is [`Link`](crate::worker::Link).
//!
//! One contract suite, in `tests`, runs against every transport.

use crate::error::Error;
use crate::id::ProcessorId;
use crate::message::{FromWorker, Running, ToWorker};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

pub(crate) mod ipc;
pub(crate) mod local;

#[cfg(test)]
mod tests;

/// Workers, and the channels to and between them, as the coordinator has them.
pub(crate) trait Cluster: Send + fmt::Debug {
    fn n_workers(&self) -> usize;

    /// Sends a message; messages to one worker arrive in order. If it is gone, nothing happens: an
    /// [`Event::Exited`] tells, or has told.
    fn send(&mut self, to: ProcessorId, message: ToWorker);

    /// The next event, waited for until the timeout.
    fn receive(&mut self, timeout: Option<Duration>) -> Option<Event>;

    /// Puts a new worker in the place of one that has exited; all others are told before later messages reach them.
    fn restart(&mut self, worker: ProcessorId) -> Result<(), Error>;

    /// Ends a worker, whatever it is doing, if the transport can; an [`Event::Exited`] follows.
    fn kill(&mut self, worker: ProcessorId) -> bool;

    /// The attempt at a task that a worker is running, or was running when it exited.
    fn running(&self, worker: ProcessorId) -> Option<Running>;

    /// The process that a worker lives in, if it has one of its own.
    #[cfg(test)]
    fn pid(&self, worker: ProcessorId) -> Option<u32>;

    /// Makes `receive` return early, from any thread.
    fn waker(&self) -> Box<dyn Fn() + Send + Sync>;
}

/// What a coordinator learns from its workers.
#[derive(Debug)]
pub(crate) enum Event {
    Message(ProcessorId, FromWorker),
    /// A worker is gone; all its messages have come before.
    Exited(ProcessorId, Exit),
    /// A message could not be taken in, and nobody knows whose it was.
    Lost(String),
    /// Somebody used the waker.
    Woken,
}

/// How a worker ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) signal: Option<i32>,
    pub(crate) code: Option<i32>,
    /// The end of what it wrote to stderr.
    pub(crate) stderr: String,
}
