//! One worker process: the real worker, with a link whose effects the simulation lets happen one by one.
//!
//! A step is run at once. What it does to the rest of the world waits, in order, until the simulation lets it happen, and
//! the worker does nothing else before; so it can die at any point in between, and all that waits is lost.

use super::wire::Wire;
use crate::base::clock::Timestamp;
use crate::run::message::{AttemptReport, Epoch, RunId, ToWorker, Value};
use crate::run::progress::Activity;
use crate::run::worker::{Incoming, Worker};
use crate::testing::marks;
use ampeg_schedule::{ProcessorId, TaskId};
use std::collections::VecDeque;
use std::time::Duration;

/// An attempt at a task, in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempted {
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) attempt: u32,
}

impl Attempted {
    /// What a worker's words say that it is running.
    pub(super) fn of(activity: &Activity) -> Option<Self> {
        let running = activity.running?;
        Some(Self {
            run: activity.run,
            task: running.task,
            attempt: running.attempt,
        })
    }
}

/// What a worker is sent.
#[derive(Debug)]
pub(super) enum Inbound {
    Message {
        from: Option<ProcessorId>,
        message: ToWorker,
    },
    /// How to reach other workers from now on: the generation of each.
    Peers(Vec<(ProcessorId, u32)>, Epoch),
}

/// What a step does to the world outside of its worker.
#[derive(Debug)]
pub(super) enum Effect {
    /// The words that the coordinator reads.
    Words(Activity),
    /// Lets time pass before another attempt.
    Sleep(Duration),
    /// Sends a value to a worker of a generation.
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
    /// What is to be told to the coordinator at some later time.
    pub(super) outbox: Vec<AttemptReport>,
    /// The attempt at a task that it is running.
    pub(super) current: Option<Attempted>,
    /// Whether it has said hello.
    pub(super) has_greeted: bool,
    /// Whether it has been killed, and dies in a moment.
    pub(super) is_doomed: bool,
    /// Whether it is stopped: it does nothing, and its coordinator does not know why.
    pub(super) is_stopped: bool,
    /// It does nothing before.
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

    /// Whether it is in the middle of a step, or of what a message has it do.
    pub(super) fn is_busy(&self) -> bool {
        self.wire.has_effects()
    }

    pub(super) fn can_take(&self) -> bool {
        !self.is_busy() && !self.inbox.is_empty()
    }

    pub(super) fn can_run(&mut self) -> bool {
        !self.is_busy() && self.worker.is_ready()
    }

    /// Takes in the next message; fails if the worker cannot do what it says.
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

    /// Runs the step that is ready; what it does is still to happen.
    pub(super) fn run_step(&mut self) {
        marks::set_run(self.wire.run());
        marks::set_observer(Some(self.wire.observer()));
        self.worker.run_step(&mut self.wire);
        marks::set_observer(None);
        self.wire.look();
    }

    /// The next thing that the running step does.
    pub(super) fn next_effect(&mut self) -> Option<Effect> {
        let effect = self.wire.pop_effect()?;
        if let Effect::Words(activity) = &effect {
            self.current = Attempted::of(activity);
        }
        Some(effect)
    }

    /// What comes next of what the running step does.
    pub(super) fn describe_coming<T>(&self, describe: impl FnOnce(&Effect) -> T) -> Option<T> {
        self.wire.describe_coming(describe)
    }

    /// Learns of an introduction before the message with the address has come.
    pub(super) fn foresee(&mut self, epoch: Epoch) {
        self.wire.foresee(epoch);
    }
}
