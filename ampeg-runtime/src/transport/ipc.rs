//! Workers as processes, connected by ipc-channel.
//!
//! Each process has one inbound channel of which the others hold senders, so that one receiver sees all in order.
//! Since a send blocks while the receiver's buffer is full, somebody in every worker drains its channel, also while a
//! task runs.
//! Liveness has a channel of its own: end-of-file on a worker's lifeline, whose other end only the coordinator holds,
//! means that the coordinator is gone. That a worker is gone is learnt from the process table.

use super::{Cluster, Event, Exit};
use crate::error::Error;
use crate::id::ProcessorId;
use crate::message::{FromWorker, Running, ToWorker};
use crate::panics;
use crate::process::Process;
use crate::run_error::RunErrorKind;
use crate::sys::Progress;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use ipc_channel::{IpcError, TryRecvError, ipc};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::vec;

mod descriptors;
pub(super) mod handshake;
mod inbox;
pub(crate) mod link;
mod outbox;

use handshake::Guest;

/// What a worker is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorkerProcess {
    /// The first message: who the worker is, and how to reach the coordinator.
    Welcome {
        worker: ProcessorId,
        generation: u32,
        memory_limit: Option<u64>,
        coordinator: IpcSender<ToCoordinator>,
    },
    /// How to reach other workers from now on.
    Peers(Vec<(ProcessorId, IpcSender<ToWorkerProcess>)>),
    Message {
        from: Option<ProcessorId>,
        message: ToWorker,
    },
}

/// What the coordinator is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToCoordinator {
    /// In the order in which they were said.
    Messages {
        worker: ProcessorId,
        generation: u32,
        messages: Vec<FromWorker>,
    },
    /// From the thread that watches the process; behind all that the worker itself sent.
    Exited {
        worker: ProcessorId,
        generation: u32,
        exit: Exit,
    },
    Woken,
}

/// ipc-channel takes 64 descriptors in a message.
const DESCRIPTORS: usize = 64;
/// How long a worker that is told to stop may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Worker processes.
#[derive(Debug)]
pub(crate) struct IpcCluster {
    workers: Vec<Member>,
    inbound: IpcReceiver<ToCoordinator>,
    inbound_sender: IpcSender<ToCoordinator>,
    /// What a worker has told and nobody has asked for yet.
    told: (ProcessorId, vec::IntoIter<FromWorker>),
    /// How many bytes of address space a worker may use.
    memory_limit: Option<u64>,
}

#[derive(Debug)]
struct Member {
    generation: u32,
    process: Process,
    sender: IpcSender<ToWorkerProcess>,
    /// Held for its end only.
    _lifeline: IpcSender<()>,
    progress: Progress,
}

impl IpcCluster {
    /// Starts the workers side by side, and returns when all are connected.
    pub(crate) fn start(n_workers: usize, memory_limit: Option<u64>) -> Result<Self, Error> {
        descriptors::check(n_workers)?;
        let (inbound_sender, inbound) = ipc::channel().map_err(no_channel)?;
        let guests: Vec<_> = (0..n_workers).map(|_| Guest::invite()).collect();
        let mut cluster = Self {
            workers: Vec::with_capacity(n_workers),
            inbound,
            inbound_sender,
            told: (ProcessorId::new(0), Vec::new().into_iter()),
            memory_limit,
        };
        for (index, guest) in guests.into_iter().enumerate() {
            let member = cluster.welcome(ProcessorId::new(index), 0, guest?)?;
            cluster.workers.push(member);
        }
        for index in 0..n_workers {
            cluster.introduce_all_to(ProcessorId::new(index));
        }
        Ok(cluster)
    }

    fn welcome(&self, worker: ProcessorId, generation: u32, guest: Guest) -> Result<Member, Error> {
        let (process, hello) = guest.connect()?;
        let coordinator = self.inbound_sender.clone();
        let welcome = ToWorkerProcess::Welcome {
            worker,
            generation,
            memory_limit: self.memory_limit,
            coordinator: coordinator.clone(),
        };
        let watched = process.watch(move |exit| {
            // A coordinator that is gone needs no news.
            let _ = send(
                &coordinator,
                ToCoordinator::Exited {
                    worker,
                    generation,
                    exit,
                },
            );
        });
        if let Err(error) = watched {
            process.kill();
            return Err(RunErrorKind::NoWorker(error.to_string()).into());
        }
        // If it has died meanwhile, its exit is on the way.
        let _ = send(&hello.inbound, welcome);
        Ok(Member {
            generation,
            process,
            sender: hello.inbound,
            _lifeline: hello.lifeline,
            progress: Progress::of(hello.progress).map_err(RunErrorKind::NoWorker)?,
        })
    }

    /// Tells a worker how to reach each of the others.
    fn introduce_all_to(&self, to: ProcessorId) {
        let others = (0..self.workers.len()).filter(|&index| index != to.index());
        let others: Vec<_> = others.map(ProcessorId::new).collect();
        for others in others.chunks(DESCRIPTORS) {
            self.introduce(others, to);
        }
    }

    fn introduce(&self, workers: &[ProcessorId], to: ProcessorId) {
        let sender = |worker: ProcessorId| self.workers[worker.index()].sender.clone();
        let peers = workers.iter().map(|&worker| (worker, sender(worker)));
        // A worker that is gone needs no peers.
        let _ = send(
            &self.workers[to.index()].sender,
            ToWorkerProcess::Peers(peers.collect()),
        );
    }

    /// What a message tells; what a predecessor of a present worker sent is no longer of interest.
    fn note(&mut self, message: ToCoordinator) -> Option<Event> {
        let current =
            |worker: ProcessorId, generation| self.workers[worker.index()].generation == generation;
        match message {
            ToCoordinator::Messages {
                worker,
                generation,
                messages,
            } => {
                if current(worker, generation) {
                    self.told = (worker, messages.into_iter());
                }
                None
            }
            ToCoordinator::Exited {
                worker,
                generation,
                exit,
            } => current(worker, generation).then_some(Event::Exited(worker, exit)),
            ToCoordinator::Woken => Some(Event::Woken),
        }
    }
}

#[cfg(test)]
impl IpcCluster {
    /// Sends a worker bytes that are most likely no message.
    pub(crate) fn send_bytes(&self, to: ProcessorId, bytes: Vec<u8>) {
        let sender = self.workers[to.index()].sender.clone();
        let sender: IpcSender<Vec<u8>> = sender.to_opaque().to();
        // If it is gone, it has refused what came before.
        let _ = send(&sender, bytes);
    }
}

impl Cluster for IpcCluster {
    fn n_workers(&self) -> usize {
        self.workers.len()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        let from = None;
        // If it is gone, its exit is on the way.
        let _ = send(
            &self.workers[to.index()].sender,
            ToWorkerProcess::Message { from, message },
        );
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<Event> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let (worker, told) = &mut self.told;
            if let Some(message) = told.next() {
                return Some(Event::Message(*worker, message));
            }
            let message = match deadline {
                Some(deadline) => receive_until(&self.inbound, deadline)?,
                None => receive(&self.inbound)?,
            };
            match message {
                Err(reason) => return Some(Event::Lost(reason)),
                Ok(message) => {
                    if let Some(event) = self.note(message) {
                        return Some(event);
                    }
                }
            }
        }
    }

    fn restart(&mut self, worker: ProcessorId) -> Result<(), Error> {
        descriptors::check(1)?;
        let generation = self.workers[worker.index()].generation + 1;
        let member = self.welcome(worker, generation, Guest::invite()?)?;
        self.workers[worker.index()] = member;
        self.introduce_all_to(worker);
        for index in 0..self.workers.len() {
            if index != worker.index() {
                self.introduce(&[worker], ProcessorId::new(index));
            }
        }
        Ok(())
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        self.workers[worker.index()].process.kill();
        true
    }

    fn running(&self, worker: ProcessorId) -> Option<Running> {
        self.workers[worker.index()].progress.running()
    }

    #[cfg(test)]
    fn pid(&self, worker: ProcessorId) -> Option<u32> {
        Some(self.workers[worker.index()].process.pid())
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let waker = Mutex::new(self.inbound_sender.clone());
        Box::new(move || {
            if let Ok(waker) = waker.lock() {
                // A cluster that is gone needs no waking.
                let _ = send(&waker, ToCoordinator::Woken);
            }
        })
    }
}

impl Drop for IpcCluster {
    fn drop(&mut self) {
        for worker in &self.workers {
            if worker.progress.running().is_some() {
                worker.process.kill();
            } else {
                let stop = ToWorkerProcess::Message {
                    from: None,
                    message: ToWorker::Stop,
                };
                // One that is gone has stopped.
                let _ = send(&worker.sender, stop);
            }
        }
        for worker in &self.workers {
            worker.process.end(PATIENCE);
        }
    }
}

/// Sends; what cannot be sent is an error, also where ipc-channel panics.
pub(super) fn send<T: Serialize>(sender: &IpcSender<T>, message: T) -> Result<(), IpcError> {
    // An interrupted send has sent nothing, but has consumed the message; ipc-channel retries by itself where it can.
    guarded(|| sender.send(message))
        .unwrap_or_else(|reason| Err(IpcError::Io(std::io::Error::other(reason))))
}

/// Receives, also if a signal comes in between; none if nobody is left to send, an error if the message is lost.
pub(super) fn receive<T: for<'de> Deserialize<'de> + Serialize>(
    receiver: &IpcReceiver<T>,
) -> Option<Result<T, String>> {
    loop {
        match guarded(|| receiver.recv()) {
            Ok(Err(IpcError::Io(error))) if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(IpcError::Disconnected)) => return None,
            Ok(result) => return Some(result.map_err(|error| error.to_string())),
            Err(reason) => return Some(Err(reason)),
        }
    }
}

/// ipc-channel panics when the system has no memory or no descriptor left for what a message carries.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    panics::catch(call).map_err(|_| "memory or descriptors are exhausted".to_owned())
}

fn receive_until<T: for<'de> Deserialize<'de> + Serialize>(
    receiver: &IpcReceiver<T>,
    deadline: Instant,
) -> Option<Result<T, String>> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match guarded(|| receiver.try_recv_timeout(left)) {
            Ok(Ok(message)) => return Some(Ok(message)),
            Ok(Err(TryRecvError::IpcError(IpcError::Io(error))))
                if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(TryRecvError::IpcError(IpcError::Disconnected))) => return None,
            Ok(Err(TryRecvError::IpcError(error))) => return Some(Err(error.to_string())),
            Ok(Err(TryRecvError::Empty)) if left.is_zero() => return None,
            Ok(Err(TryRecvError::Empty)) => {}
            Err(reason) => return Some(Err(reason)),
        }
    }
}

fn no_channel(error: impl std::fmt::Display) -> Error {
    RunErrorKind::NoWorker(format!("no channel could be made: {error}")).into()
}
