//! Workers as threads of this process, for tests, debuggers and thread-safe tasks.
//!
//! Values are still encoded, so a graph behaves as on processes. A thread cannot be killed, and a thread that has
//! ended is not replaced.

use crate::base::clock::now;
use crate::base::run_error::RunErrorKind;
use crate::run::caller::Caller;
use crate::run::cluster::{Cluster, ClusterEvent, Exit};
use crate::run::message::{AttemptReport, Epoch, ToWorker, Value};
use crate::run::progress::{Activity, Progress};
use crate::run::worker::{Incoming, Link, work};
use crate::sys::resources;
use crate::transport::setup::Hook;
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Worker threads.
#[derive(Debug)]
pub(crate) struct LocalCluster {
    workers: Vec<ThreadWorker>,
    events: Receiver<ClusterEvent>,
    coordinator: Sender<ClusterEvent>,
    is_woken: Arc<AtomicBool>,
}

#[derive(Debug)]
struct ThreadWorker {
    inbox: Sender<Incoming>,
    progress: Progress,
    thread: Option<JoinHandle<()>>,
}

impl LocalCluster {
    /// Starts the threads. Tasks on these threads run as `caller`. `stack` is the size of their stacks in bytes; if it
    /// is none, std decides.
    pub(crate) fn start(
        n_workers: usize,
        caller: Caller,
        stack: Option<usize>,
        hook: Option<Hook>,
    ) -> Result<Self, Error> {
        let (coordinator, events) = channel();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..n_workers).map(|_| channel()).unzip();
        let senders: Arc<[_]> = senders.into();
        // If a thread cannot be started, dropping this ends the threads before it.
        let mut cluster = Self {
            workers: Vec::with_capacity(n_workers),
            events,
            coordinator: coordinator.clone(),
            is_woken: Arc::default(),
        };
        let (prepared, preparations) = channel();
        for (index, inbox) in receivers.into_iter().enumerate() {
            let prepare = Prepare {
                hook,
                done: prepared.clone(),
            };
            let progress = Progress::own();
            let link = LocalLink {
                worker: ProcessorId::new(index),
                inbox,
                peers: Arc::clone(&senders),
                coordinator: coordinator.clone(),
                progress: progress.clone(),
            };
            cluster.workers.push(ThreadWorker {
                inbox: senders[index].clone(),
                progress,
                thread: Some(spawn(link, caller, stack, prepare)?),
            });
        }
        for prepared in preparations.iter().take(n_workers) {
            prepared.map_err(RunErrorKind::NoThread)?;
        }
        Ok(cluster)
    }
}

/// The preparation of a thread before its first task.
struct Prepare {
    hook: Option<Hook>,
    done: Sender<Result<(), String>>,
}

fn spawn(
    mut link: LocalLink,
    caller: Caller,
    stack: Option<usize>,
    prepare: Prepare,
) -> Result<JoinHandle<()>, Error> {
    let mut thread = Builder::new().name(format!("ampeg worker {}", link.worker));
    if let Some(bytes) = stack {
        thread = thread.stack_size(bytes);
    }
    let thread = thread.spawn(move || {
        caller.enter();
        let prepared = prepare.hook.map_or(Ok(()), Hook::run);
        let is_prepared = prepared.is_ok();
        // The receiver lives until all threads have answered or one has failed.
        let _ = prepare.done.send(prepared);
        if !is_prepared {
            return;
        }
        let reason = work(&mut link).err();
        let exit = Exit {
            code: Some(0),
            reason,
            ..Exit::default()
        };
        // If the coordinator is gone, nobody needs the message.
        let _ = link
            .coordinator
            .send(ClusterEvent::Exited(link.worker, exit));
    });
    thread.map_err(|error| RunErrorKind::NoThread(resources::refused(&error)).into())
}

impl Cluster for LocalCluster {
    fn n_workers(&self) -> usize {
        self.workers.len()
    }

    fn is_here(&self) -> bool {
        true
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        let (from, received) = (None, now());
        // A thread that has ended has already reported its end.
        let _ = self.workers[to.index()].inbox.send(Incoming {
            from,
            message,
            received,
        });
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent> {
        let event = match timeout {
            Some(timeout) => self.events.recv_timeout(timeout).ok(),
            None => self.events.recv().ok(),
        };
        if matches!(event, Some(ClusterEvent::Woken)) {
            self.is_woken.store(false, Ordering::Release);
        }
        event
    }

    fn start(&mut self, worker: ProcessorId) {
        let exit = Exit {
            reason: Some(format!("worker thread {worker} has ended")),
            ..Exit::default()
        };
        // This cluster holds the receiver.
        let _ = self.coordinator.send(ClusterEvent::Exited(worker, exit));
    }

    fn introduce(&mut self, _: ProcessorId) -> Epoch {
        0
    }

    fn epoch(&self) -> Epoch {
        0
    }

    fn since(&self, _: ProcessorId) -> Option<Epoch> {
        Some(0)
    }

    fn kill(&mut self, _: ProcessorId) -> bool {
        false
    }

    fn is_full(&self, _: ProcessorId) -> bool {
        false
    }

    fn activity(&self, worker: ProcessorId) -> Activity {
        self.workers[worker.index()].progress.activity()
    }

    #[cfg(test)]
    fn pid(&self, _: ProcessorId) -> Option<u32> {
        None
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let coordinator = Mutex::new(self.coordinator.clone());
        let is_woken = Arc::clone(&self.is_woken);
        Box::new(move || {
            // One wake-up on its way is enough.
            if !is_woken.swap(true, Ordering::AcqRel) {
                let coordinator = coordinator.lock().unwrap_or_else(PoisonError::into_inner);
                // If the cluster is gone, nobody needs to be woken.
                let _ = coordinator.send(ClusterEvent::Woken);
            }
        })
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        for index in 0..self.workers.len() {
            self.send(ProcessorId::new(index), ToWorker::Stop);
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // The thread catches the panics of tasks. Any other panic is ignored.
                let _ = thread.join();
            }
        }
    }
}

#[derive(Debug)]
struct LocalLink {
    worker: ProcessorId,
    inbox: Receiver<Incoming>,
    peers: Arc<[Sender<Incoming>]>,
    coordinator: Sender<ClusterEvent>,
    progress: Progress,
}

impl Link for LocalLink {
    fn receive(&mut self) -> Option<Incoming> {
        self.inbox.recv().ok()
    }

    fn try_receive(&mut self) -> Option<Incoming> {
        self.inbox.try_recv().ok()
    }

    fn send(&mut self, to: ProcessorId, value: Value) -> Result<(), String> {
        let incoming = Incoming {
            from: Some(self.worker),
            message: ToWorker::Value(value),
            received: now(),
        };
        // A peer that has ended needs no values.
        let _ = self.peers[to.index()].send(incoming);
        Ok(())
    }

    fn report(&mut self, report: AttemptReport) -> bool {
        // If the coordinator is gone, nobody needs the message.
        let _ = self
            .coordinator
            .send(ClusterEvent::Reports(self.worker, vec![report]));
        false
    }

    fn flush(&mut self) {
        // Reports are sent at once.
    }

    fn epoch(&self) -> Epoch {
        0
    }

    fn set_busy(&mut self) {
        // The channel keeps all messages that arrive meanwhile.
    }

    fn release_memory(&mut self) {
        // The memory belongs to the program.
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }
}
