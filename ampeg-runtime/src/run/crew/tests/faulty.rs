//! A cluster of processes with faults: one fault at a given point, or any number from outside.

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

/// A fault of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The worker is killed.
    Kill,
    /// The worker and the next one are killed.
    KillTwo,
    /// The worker is killed, and its replacement is killed as soon as it starts.
    KillAgain,
    /// The worker is stopped, and continued when nothing else happens any more.
    Stop,
    /// Messages to the worker are held back until nothing else happens any more.
    Delay,
}

/// A cluster in which a worker has a fault after a number of points.
///
/// A point is a message that the coordinator sends or an event that it receives.
#[derive(Debug)]
pub(super) struct Faulty {
    inner: IpcCluster,
    fault: Fault,
    victim: ProcessorId,
    /// The points that are left until the fault; none if the fault has happened or never happens.
    left: Option<usize>,
    held_back: Option<VecDeque<ToWorker>>,
    stopped: bool,
    /// Whether the victim's replacement is killed, too.
    again: bool,
    /// The number of kills by the coordinator that have no effect.
    spared: usize,
    seen: Arc<Mutex<Seen>>,
}

/// The time without an event after which a stop or a delay ends.
const QUIET: Duration = Duration::from_millis(5);

impl Faulty {
    /// A cluster in which one worker has a fault.
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

    /// A cluster without faults from within.
    pub(super) fn harmless(workers: usize) -> Self {
        let mut cluster = Self::start(workers, Fault::Kill, 0, 0);
        cluster.left = None;
        cluster
    }

    /// A cluster that ignores the first `spared` kills by the coordinator.
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
        // The worker may be absent at this moment.
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
        // From now on, the system may give its process id to another process.
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
