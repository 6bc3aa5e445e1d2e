//! The worker's side of the simulated transport.
//!
//! Each time the worker uses the link, changes of its progress words are read, and become an effect like any other.

use super::process::Effect;
use crate::run::message::{AttemptReport, Content, Epoch, PartsMessage, RunId, Value};
use crate::run::progress::{Activity, Progress};
use crate::run::worker::{Incoming, Link};
use ampeg_schedule::ProcessorId;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Wire {
    /// By worker: the generation that this worker knows.
    peers: Vec<Option<u32>>,
    epoch: Epoch,
    /// The words that the worker writes. The coordinator sees them only as effects.
    progress: Progress,
    effects: Rc<RefCell<Effects>>,
}

/// The effects that were not released yet.
#[derive(Debug, Default)]
struct Effects {
    waiting: VecDeque<Effect>,
    /// The words at the last look.
    seen: Activity,
}

impl Effects {
    fn look(&mut self, progress: &Progress) {
        let activity = progress.activity();
        if activity != self.seen {
            self.seen = activity;
            self.waiting.push_back(Effect::Words(activity));
        }
    }
}

impl Wire {
    pub(super) fn new(n_workers: usize) -> Self {
        Self {
            peers: vec![None; n_workers],
            epoch: 0,
            progress: Progress::new().expect("shared memory for a few words"),
            effects: Rc::default(),
        }
    }

    /// Handles an introduction.
    pub(super) fn meet(&mut self, peers: Vec<(ProcessorId, u32)>, epoch: Epoch) {
        for (peer, generation) in peers {
            self.peers[peer.index()] = Some(generation);
        }
        self.epoch = self.epoch.max(epoch);
    }

    pub(super) fn foresee(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// Makes an effect of changes to the progress words.
    pub(super) fn look(&self) {
        self.effects.borrow_mut().look(&self.progress);
    }

    /// A function that looks at the progress words while a body runs.
    pub(super) fn observer(&self) -> Box<dyn Fn()> {
        let (effects, progress) = (Rc::clone(&self.effects), self.progress.clone());
        Box::new(move || effects.borrow_mut().look(&progress))
    }

    /// The run that the worker takes part in.
    pub(super) fn run(&self) -> RunId {
        self.progress.activity().run
    }

    pub(super) fn has_effects(&self) -> bool {
        !self.effects.borrow().waiting.is_empty()
    }

    pub(super) fn pop_effect(&mut self) -> Option<Effect> {
        self.effects.borrow_mut().waiting.pop_front()
    }

    pub(super) fn describe_coming<T>(&self, describe: impl FnOnce(&Effect) -> T) -> Option<T> {
        self.effects.borrow().waiting.front().map(describe)
    }

    fn push(&self, effect: Effect) {
        let mut effects = self.effects.borrow_mut();
        effects.look(&self.progress);
        effects.waiting.push_back(effect);
    }
}

impl Link for Wire {
    fn receive(&mut self) -> Option<Incoming> {
        unreachable!("the simulation hands over all messages")
    }

    fn try_receive(&mut self) -> Option<Incoming> {
        unreachable!("the simulation hands over all messages")
    }

    fn send(&mut self, to: ProcessorId, value: Value) -> Result<(), String> {
        if let Some(generation) = self.peers[to.index()] {
            for value in in_pieces(value) {
                self.push(Effect::Send(to, generation, value));
            }
        }
        Ok(())
    }

    fn report(&mut self, report: AttemptReport) -> bool {
        self.push(Effect::Report(report));
        true
    }

    fn flush(&mut self) {
        self.push(Effect::Flush);
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn set_busy(&mut self) {
        // The simulation decides when reports are sent.
        self.look();
    }

    fn release_memory(&mut self) {
        // The memory belongs to the test.
    }

    fn sleep(&mut self, time: Duration) {
        self.push(Effect::Sleep(time));
    }

    fn progress(&self) -> &Progress {
        // Each change of the words becomes an effect of its own.
        self.look();
        &self.progress
    }
}

/// Several parts of a result are sent one by one, as large parts are.
fn in_pieces(value: Value) -> Vec<Value> {
    let parts = match &value.content {
        Content::Parts(message) if message.parts.len() > 1 => message.parts.clone(),
        _ => return vec![value],
    };
    let last = parts.len() - 1;
    let piece = |(index, part)| Value {
        content: Content::Parts(PartsMessage {
            parts: vec![part],
            first: index == 0,
            last: index == last,
        }),
        ..value.clone()
    };
    parts.into_iter().enumerate().map(piece).collect()
}
