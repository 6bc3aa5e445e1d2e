//! The coordinator's side of the simulated transport.

use super::process::{Inbound, Process};
use super::world::{Sabotage, ToCoordinator, World};
use crate::base::clock;
use crate::base::clock::Timestamp;
use crate::run::cluster::{Cluster, ClusterEvent, Exit};
use crate::run::message::{Epoch, ToWorker};
use crate::run::progress::Activity;
use ampeg_schedule::ProcessorId;
use std::cell::RefCell;
use std::time::Duration;

thread_local! {
    /// A `Cluster` must be `Send`, but a world is not. So the world is in this thread-local, and the cluster has only
    /// the number of workers.
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// The simulated cluster: the coordinator's side of this thread's world.
#[derive(Debug)]
pub(super) struct Sim {
    n_workers: usize,
}

impl Sim {
    /// The cluster of a world, which becomes the world of this thread.
    pub(super) fn of(world: World) -> Self {
        let n_workers = world.workers.len();
        WORLD.set(Some(world));
        Self { n_workers }
    }
}

/// Reads or changes this thread's world.
pub(super) fn with_world<T>(f: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| f(world.as_mut().expect("a world was made")))
}

impl Cluster for Sim {
    fn n_workers(&self) -> usize {
        self.n_workers
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        with_world(|world| {
            let from = None;
            world.send(to.index(), Inbound::Message { from, message });
        });
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent> {
        let nanoseconds = |time: Duration| Timestamp::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let until = timeout.map(|timeout| clock::now().saturating_add(nanoseconds(timeout)));
        with_world(|world| world.next_event(until))
    }

    fn start(&mut self, worker: ProcessorId) {
        with_world(|world| world.start(worker));
    }

    fn introduce(&mut self, worker: ProcessorId) -> Epoch {
        with_world(|world| {
            world.epoch += 1;
            let epoch = world.epoch;
            let state = &mut world.workers[worker.index()];
            if state.is_connected {
                state.since = Some(epoch);
                let generation = state.generation;
                let others = (0..world.workers.len()).filter(|&other| other != worker.index());
                for other in others {
                    let state = &mut world.workers[other];
                    if world.sabotage == Some(Sabotage::ForeseenPeers)
                        && let Some(process) = &mut state.process
                        && state.is_connected
                    {
                        process.foresee(epoch);
                    }
                    world.send(other, Inbound::Peers(vec![(worker, generation)], epoch));
                }
            }
            epoch
        })
    }

    fn epoch(&self) -> Epoch {
        with_world(|world| world.epoch)
    }

    fn since(&self, worker: ProcessorId) -> Option<Epoch> {
        with_world(|world| {
            let since = world.workers[worker.index()].since?;
            Some(match world.sabotage {
                Some(Sabotage::EpochsOfRun) => since.saturating_sub(world.first_epoch),
                _ => since,
            })
        })
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        with_world(|world| {
            if world.stuck.is_some() {
                return;
            }
            world.note(|_| format!("the coordinator kills worker {worker}"));
            let is_late = world.choices.pick(2) > 0;
            match &mut world.workers[worker.index()].process {
                Some(process) if is_late => process.is_doomed = true,
                _ => world.die(worker.index(), killed()),
            }
        });
        true
    }

    fn is_full(&self, _: ProcessorId) -> bool {
        false
    }

    fn activity(&self, worker: ProcessorId) -> Activity {
        with_world(|world| {
            let activity = world.workers[worker.index()].activity;
            match world.sabotage {
                Some(Sabotage::NoRunInWords) => Activity {
                    run: world.record.run,
                    ..activity
                },
                _ => activity,
            }
        })
    }

    fn pid(&self, _: ProcessorId) -> Option<u32> {
        None
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }
}

impl World {
    /// Starts a process, or makes the start fail at once.
    fn start(&mut self, worker: ProcessorId) {
        let fails = self.faults.failed_starts > 0 && self.choices.weighted(&[3, 1]) > 0;
        let n_workers = self.workers.len();
        let state = &mut self.workers[worker.index()];
        assert!(!state.is_present(), "only an absent worker is started");
        state.generation += 1;
        if fails {
            self.faults.failed_starts -= 1;
            self.note(|_| format!("worker {worker} cannot be started"));
            let (generation, exit) = (self.workers[worker.index()].generation, refused());
            let exited = ToCoordinator::Exited(worker, generation, exit, None);
            self.queue.push_front(exited);
        } else {
            state.process = Some(Process::new(n_workers, false));
            self.note(|_| format!("worker {worker} is started"));
        }
    }

    /// Connects a worker that has said hello, and sends it the addresses of its peers.
    pub(super) fn connect(&mut self, worker: ProcessorId) {
        let state = &mut self.workers[worker.index()];
        state.is_connected = true;
        state.activity = Activity::default();
        self.send_peers(worker.index());
    }

    /// Sends a worker the addresses of all others that are present.
    pub(super) fn send_peers(&mut self, to: usize) {
        let others = self.workers.iter().enumerate();
        let others = others.filter(|(other, state)| *other != to && state.is_connected);
        let peers = others.map(|(other, state)| (ProcessorId::new(other), state.generation));
        let (peers, epoch) = (peers.collect(), self.epoch);
        self.send(to, Inbound::Peers(peers, epoch));
    }

    fn send(&mut self, to: usize, message: Inbound) {
        let keeps = self.has_backlogs;
        let state = &mut self.workers[to];
        if !state.is_connected {
            return;
        }
        if let Some(process) = &mut state.process {
            if keeps {
                state.backlog.push_back(message);
            } else {
                process.inbox.push_back(message);
            }
        }
    }
}

/// The exit of a worker that was killed.
pub(super) fn killed() -> Exit {
    Exit {
        signal: Some(9),
        ..Exit::default()
    }
}

/// The exit of a worker that cannot be started.
pub(super) fn refused() -> Exit {
    Exit {
        reason: Some("the simulation refuses the start".into()),
        ..Exit::default()
    }
}
