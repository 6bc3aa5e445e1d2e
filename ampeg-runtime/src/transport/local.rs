//! Workers as threads of this process: for tests, debuggers, and tasks that are known to be thread-safe.
//!
//! Values still travel as bytes, so that a graph means the same as over processes.
//! A thread cannot be killed.

use super::{Cluster, Event, Exit};
use crate::clock::now;
use crate::error::Error;
use crate::id::ProcessorId;
use crate::message::{FromWorker, Running, Timestamp, ToWorker, Value};
use crate::plan::Step;
use crate::pool::caller::Caller;
use crate::run_error::RunErrorKind;
use crate::sys::Progress;
use crate::worker::{Incoming, Link, work};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Worker threads.
#[derive(Debug)]
pub(crate) struct LocalCluster {
    workers: Vec<Member>,
    events: Receiver<Event>,
    waker: Sender<Event>,
}

#[derive(Debug)]
struct Member {
    inbox: Sender<Incoming>,
    progress: Progress,
    thread: Option<JoinHandle<()>>,
}

impl LocalCluster {
    /// Starts the threads, whose tasks act for `caller`.
    pub(crate) fn start(n_workers: usize, caller: Caller) -> Result<Self, Error> {
        let (waker, events) = channel();
        let (inboxes, outboxes): (Vec<_>, Vec<_>) = (0..n_workers).map(|_| channel()).unzip();
        let inboxes: Arc<[_]> = inboxes.into();
        // If one cannot be started, the drop of this ends those before it.
        let mut cluster = Self {
            workers: Vec::with_capacity(n_workers),
            events,
            waker: waker.clone(),
        };
        for (index, outbox) in outboxes.into_iter().enumerate() {
            let progress = Progress::new().map_err(RunErrorKind::NoWorker)?;
            let link = LocalLink {
                worker: ProcessorId::new(index),
                inbox: outbox,
                peers: Arc::clone(&inboxes),
                coordinator: waker.clone(),
                progress: progress.clone(),
            };
            cluster.workers.push(Member {
                inbox: inboxes[index].clone(),
                progress,
                thread: Some(spawn(link, caller)?),
            });
        }
        Ok(cluster)
    }
}

fn spawn(mut link: LocalLink, caller: Caller) -> Result<JoinHandle<()>, Error> {
    let name = format!("ampeg worker {}", link.worker);
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        caller.enter();
        work(&mut link);
        let exit = Exit {
            code: Some(0),
            ..Exit::default()
        };
        // A coordinator that is gone needs no news.
        let _ = link.coordinator.send(Event::Exited(link.worker, exit));
    });
    thread.map_err(|error| RunErrorKind::NoWorker(error.to_string()).into())
}

impl Cluster for LocalCluster {
    fn n_workers(&self) -> usize {
        self.workers.len()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        let from = None;
        // A thread that has ended has said so.
        let received = now();
        let _ = self.workers[to.index()].inbox.send(Incoming {
            from,
            message,
            received,
        });
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<Event> {
        match timeout {
            Some(timeout) => self.events.recv_timeout(timeout).ok(),
            None => self.events.recv().ok(),
        }
    }

    fn restart(&mut self, worker: ProcessorId) -> Result<(), Error> {
        let reason = format!("worker thread {worker} has ended");
        Err(RunErrorKind::NoWorker(reason).into())
    }

    fn kill(&mut self, _: ProcessorId) -> bool {
        false
    }

    fn running(&self, worker: ProcessorId) -> Option<Running> {
        self.workers[worker.index()].progress.running()
    }

    #[cfg(test)]
    fn pid(&self, _: ProcessorId) -> Option<u32> {
        None
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let waker = std::sync::Mutex::new(self.waker.clone());
        Box::new(move || {
            if let Ok(waker) = waker.lock() {
                // A cluster that is gone needs no waking.
                let _ = waker.send(Event::Woken);
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
                // The thread catches the panics of tasks; if it panicked all the same, there is nobody to tell.
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
    coordinator: Sender<Event>,
    progress: Progress,
}

impl Link for LocalLink {
    fn receive(&mut self) -> Option<Incoming> {
        self.inbox.recv().ok()
    }

    fn try_receive(&mut self) -> Option<Incoming> {
        self.inbox.try_recv().ok()
    }

    fn send(&mut self, to: ProcessorId, value: Value) {
        let incoming = Incoming {
            from: Some(self.worker),
            message: ToWorker::Value(value),
            received: now(),
        };
        // A peer that has ended needs nothing.
        let _ = self.peers[to.index()].send(incoming);
    }

    fn report(&mut self, message: FromWorker) -> bool {
        // A coordinator that is gone needs no news.
        let _ = self.coordinator.send(Event::Message(self.worker, message));
        false
    }

    fn tell_all(&mut self) {
        // It is told already.
    }

    fn peer_changes(&self) -> u32 {
        0
    }

    fn begin(&mut self, step: &Step, start: Timestamp) {
        self.progress.begin(step.task, step.attempt, start);
    }

    fn end(&mut self) {
        self.progress.end();
    }
}
