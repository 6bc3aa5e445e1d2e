//! A cluster of processes with faults: one at a given point, or any number from outside.

use super::processes::{Seen, signal};
use crate::run::cluster::{Cluster, ClusterEvent};
use crate::run::message::{Epoch, ToWorker};
use crate::run::progress::Activity;
use crate::transport::ipc::IpcCluster;
use crate::transport::setup::Setup;
use ampeg_schedule::ProcessorId;
use rustix::process::Signal;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is killed.
    Kill,
    /// It is killed, and the worker after it too.
    KillTwo,
    /// It is killed, and so is the next process in its place as soon as it is started.
    KillAgain,
    /// It is stopped, and continued when nothing else happens any more.
    Stop,
    /// What it is sent is held back until nothing else happens any more.
    Delay,
}

/// A cluster in which a worker suffers a fault after so many points.
///
/// A point is a message that the coordinator sends or an event that it receives.
#[derive(Debug)]
pub(super) struct Faulty {
    inner: IpcCluster,
    fault: Fault,
    victim: ProcessorId,
    /// The points that are left until then; none if it has happened, or never does.
    left: Option<usize>,
    held_back: Option<VecDeque<ToWorker>>,
    stopped: bool,
    /// Whether the next process in the victim's place is killed as well.
    again: bool,
    /// How many kills by the coordinator have no effect.
    spared: usize,
    seen: Arc<Mutex<Seen>>,
}

/// How long nothing must happen before a fault that only holds up is lifted.
const QUIET: Duration = Duration::from_millis(5);

impl Faulty {
    /// Workers of which one suffers a fault.
    pub(super) fn start(workers: usize, fault: Fault, victim: usize, point: usize) -> Self {
        let cluster = Self {
            left: Some(point),
            fault,
            victim: ProcessorId::new(victim),
            inner: IpcCluster::start(workers, Setup::default()).unwrap(),
            held_back: None,
            stopped: false,
            again: false,
            spared: 0,
            seen: Arc::default(),
        };
        cluster.note_pids();
        cluster
    }

    /// Workers to which nothing happens from within.
    pub(super) fn harmless(workers: usize) -> Self {
        let mut cluster = Self::start(workers, Fault::Kill, 0, 0);
        cluster.left = None;
        cluster
    }

    /// Workers that survive as many kills by the coordinator.
    pub(super) fn tough(workers: usize, spared: usize) -> Self {
        let mut cluster = Self::harmless(workers);
        cluster.spared = spared;
        cluster
    }

    pub(super) fn seen(&self) -> Arc<Mutex<Seen>> {
        Arc::clone(&self.seen)
    }

    fn point(&mut self) {
        match self.left {
            Some(0) => {
                self.left = None;
                self.seen.lock().unwrap().struck = true;
                self.strike();
            }
            Some(left) => self.left = Some(left - 1),
            None => {}
        }
    }

    fn strike(&mut self) {
        match self.fault {
            Fault::Kill => self.signal(self.victim, Signal::KILL),
            Fault::KillTwo => {
                let next = (self.victim.index() + 1) % self.n_workers();
                self.signal(self.victim, Signal::KILL);
                self.signal(ProcessorId::new(next), Signal::KILL);
            }
            Fault::KillAgain => {
                self.again = true;
                self.signal(self.victim, Signal::KILL);
            }
            Fault::Stop => {
                self.stopped = true;
                self.signal(self.victim, Signal::STOP);
            }
            Fault::Delay => self.held_back = Some(VecDeque::new()),
        }
    }

    fn lift(&mut self) {
        if std::mem::take(&mut self.stopped) {
            self.signal(self.victim, Signal::CONT);
        }
        for message in self.held_back.take().into_iter().flatten() {
            self.inner.send(self.victim, message);
        }
    }

    fn signal(&self, worker: ProcessorId, what: Signal) {
        // It may be absent for the moment.
        if let Some(pid) = self.inner.pid(worker) {
            signal(pid, what);
        }
    }

    fn note_pids(&self) {
        let mut seen = self.seen.lock().unwrap();
        for worker in 0..self.n_workers() {
            if let Some(pid) = self.inner.pid(ProcessorId::new(worker)) {
                seen.note(worker, pid);
            }
        }
    }
}

impl Cluster for Faulty {
    fn n_workers(&self) -> usize {
        self.inner.n_workers()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        self.point();
        match &mut self.held_back {
            Some(held_back) if to == self.victim => held_back.push_back(message),
            _ => self.inner.send(to, message),
        }
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent> {
        let held_up = self.stopped || self.held_back.is_some();
        let event = match self
            .inner
            .receive(if held_up { Some(QUIET) } else { timeout })
        {
            None if held_up => {
                self.lift();
                self.inner.receive(timeout)
            }
            event => event,
        };
        self.point();
        event
    }

    fn start(&mut self, worker: ProcessorId) {
        // Its number may be given to another process from now on.
        self.seen.lock().unwrap().present.remove(&worker.index());
        self.inner.start(worker);
        self.note_pids();
        if worker == self.victim && std::mem::take(&mut self.again) {
            self.signal(worker, Signal::KILL);
        }
    }

    fn introduce(&mut self, worker: ProcessorId) -> Epoch {
        self.inner.introduce(worker)
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn since(&self, worker: ProcessorId) -> Option<Epoch> {
        self.inner.since(worker)
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        if self.spared > 0 {
            self.spared -= 1;
            return true;
        }
        self.inner.kill(worker)
    }

    fn is_full(&self, worker: ProcessorId) -> bool {
        self.inner.is_full(worker)
    }

    fn activity(&self, worker: ProcessorId) -> Activity {
        self.inner.activity(worker)
    }

    fn pid(&self, worker: ProcessorId) -> Option<u32> {
        self.inner.pid(worker)
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        self.inner.waker()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.lift();
    }
}
