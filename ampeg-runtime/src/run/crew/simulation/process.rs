//! One worker process: the real worker, with a link whose effects the simulation releases one by one.
//!
//! A step is run at once. Its effects on the rest of the world wait, in order, until the simulation releases them,
//! and the worker does nothing else until then. So the worker can die between any two effects, and the remaining
//! effects are lost.

use super::wire::Wire;
use crate::base::clock::Timestamp;
use crate::run::message::{AttemptReport, Epoch, RunId, ToWorker, Value};
use crate::run::progress::Activity;
use crate::run::worker::{Incoming, Worker};
use crate::testing::marks;
use ampeg_schedule::{ProcessorId, TaskId};
use std::collections::VecDeque;
use std::time::Duration;

/// An attempt at a task in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempted {
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) attempt: u32,
}

impl Attempted {
    /// The attempt that a worker is running, according to its progress words.
    pub(super) fn of(activity: &Activity) -> Option<Self> {
        let running = activity.running?;
        Some(Self {
            run: activity.run,
            task: running.task,
            attempt: running.attempt,
        })
    }
}

/// A message to a worker.
#[derive(Debug)]
pub(super) enum Inbound {
    Message {
        from: Option<ProcessorId>,
        message: ToWorker,
    },
    /// New addresses of other workers: the generation of each.
    Peers(Vec<(ProcessorId, u32)>, Epoch),
}

/// An effect of a step outside its worker.
#[derive(Debug)]
pub(super) enum Effect {
    /// Changes the progress words that the coordinator reads.
    Words(Activity),
    /// Lets time pass before another attempt.
    Sleep(Duration),
    /// Sends a value to a worker, in a process of this generation.
    Send(ProcessorId, u32, Value),
    Report(AttemptReport),
    /// Sends the reports made so far.
    Flush,
}

/// A worker that is alive.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) worker: Worker,
    pub(super) inbox: VecDeque<Inbound>,
    /// Reports that were made but not sent.
    pub(super) outbox: Vec<AttemptReport>,
    /// The attempt that the worker is running.
    pub(super) current: Option<Attempted>,
    /// Whether the process has said hello.
    pub(super) has_greeted: bool,
    /// Whether the process was killed, and is about to die.
    pub(super) is_doomed: bool,
    /// Whether the process is stopped: it does nothing, and the coordinator does not know why.
    pub(super) is_stopped: bool,
    /// The worker does nothing before this time.
    pub(super) sleeps_until: Timestamp,
    wire: Wire,
}

impl Process {
    pub(super) fn new(n_workers: usize, has_greeted: bool) -> Self {
        Self {
            worker: Worker::default(),
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            current: None,
            has_greeted,
            is_doomed: false,
            is_stopped: false,
            sleeps_until: 0,
            wire: Wire::new(n_workers),
        }
    }

    /// Whether the worker is in the middle of a step or of a message.
    pub(super) fn is_busy(&self) -> bool {
        self.wire.has_effects()
    }

    pub(super) fn can_take(&self) -> bool {
        !self.is_busy() && !self.inbox.is_empty()
    }

    pub(super) fn can_run(&mut self) -> bool {
        !self.is_busy() && self.worker.is_ready()
    }

    /// Handles the next message; fails if the worker cannot do what the message says.
    pub(super) fn take(&mut self) -> Result<(), String> {
        match self.inbox.pop_front() {
            Some(Inbound::Peers(peers, epoch)) => self.wire.meet(peers, epoch),
            Some(Inbound::Message { from, message }) => {
                let incoming = Incoming {
                    from,
                    message,
                    received: 0,
                };
                let _ = self.worker.on_message(incoming, &mut self.wire)?;
                self.wire.look();
            }
            None => {}
        }
        Ok(())
    }

    /// Runs the step that is ready. Its effects wait.
    pub(super) fn run_step(&mut self) {
        marks::set_run(self.wire.run());
        marks::set_observer(Some(self.wire.observer()));
        self.worker.run_step(&mut self.wire);
        marks::set_observer(None);
        self.wire.look();
    }

    /// The next effect of the running step.
    pub(super) fn next_effect(&mut self) -> Option<Effect> {
        let effect = self.wire.pop_effect()?;
        if let Effect::Words(activity) = &effect {
            self.current = Attempted::of(activity);
        }
        Some(effect)
    }

    /// Describes the next effect of the running step.
    pub(super) fn describe_coming<T>(&self, describe: impl FnOnce(&Effect) -> T) -> Option<T> {
        self.wire.describe_coming(describe)
    }

    /// Makes the worker know an epoch before it receives the message with the address.
    pub(super) fn foresee(&mut self, epoch: Epoch) {
        self.wire.foresee(epoch);
    }
}
