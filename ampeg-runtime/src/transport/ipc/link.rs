//! A worker process's side: connect, drain, and end when the coordinator is gone.

use super::handshake::{Hello, Invitation};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::{ToWorkerProcess, guarded, receive, send};
use crate::id::ProcessorId;
use crate::message::{FromWorker, Timestamp, ToWorker, Value};
use crate::plan::Step;
use crate::sys::{self, Progress};
use crate::worker::{Incoming, Link};
use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::thread;

/// The connection of this worker process to all others.
#[derive(Debug)]
pub(crate) struct IpcLink {
    worker: ProcessorId,
    outbox: Outbox,
    peers: HashMap<ProcessorId, IpcSender<ToWorkerProcess>>,
    peer_changes: u32,
    inbox: Inbox,
    progress: Progress,
}

impl IpcLink {
    /// Connects to the coordinator that the invitation names.
    pub(crate) fn connect(invitation: &str) -> Result<Self, String> {
        let invitation = Invitation::parse(invitation).ok_or("the invitation is garbled")?;
        let server = invitation.server.clone();
        if let Err(reason) = check_parent(invitation.coordinator) {
            tidy_up(Path::new(&server));
            return Err(reason);
        }
        let text = |error: &dyn fmt::Display| error.to_string();
        let (inbound, receiver) = ipc::channel().map_err(|error| text(&error))?;
        let (lifeline, end) = ipc::channel().map_err(|error| text(&error))?;
        let progress = Progress::new()?;
        let connection = IpcSender::connect(invitation.server).map_err(|error| {
            tidy_up(Path::new(&server));
            text(&error)
        })?;
        let hello = Hello {
            secret: invitation.secret,
            build: sys::build(),
            inbound,
            lifeline,
            progress: guarded(|| progress.memory())?,
        };
        send(&connection, hello).map_err(|error| text(&error))?;
        drop(connection);
        // While the coordinator reads the hello, the rest is made ready. Nobody else connects to its socket.
        tidy_up(Path::new(&server));
        spawn("ampeg lifeline", move || follow(&end))?;
        let mut inbox = Inbox::new(receiver)?;
        let Some((
            ToWorkerProcess::Welcome {
                worker,
                generation,
                memory_limit,
                coordinator,
            },
            _,
        )) = inbox.next()
        else {
            return Err("the coordinator did not say welcome".into());
        };
        limit_memory(memory_limit)?;
        Ok(Self {
            worker,
            outbox: Outbox::new(coordinator, worker, generation),
            peers: HashMap::new(),
            peer_changes: 0,
            inbox,
            progress,
        })
    }

    /// Takes in news of peers; anything else is for the worker.
    fn take_in(&mut self, (message, received): (ToWorkerProcess, Timestamp)) -> Option<Incoming> {
        match message {
            ToWorkerProcess::Message { from, message } => Some(Incoming {
                from,
                message,
                received,
            }),
            ToWorkerProcess::Peers(peers) => {
                for (worker, sender) in peers {
                    // The first introduction of each peer is no change.
                    if self.peers.insert(worker, sender).is_some() {
                        self.peer_changes += 1;
                    }
                }
                None
            }
            ToWorkerProcess::Welcome { .. } => None,
        }
    }
}

/// Removes the socket that this worker was invited to, and the folder made for it.
fn tidy_up(server: &Path) {
    if let Some(folder) = server.parent()
        && server.file_name().is_some_and(|name| name == "socket")
        && std::fs::remove_file(server).is_ok()
    {
        // It holds nothing else; if it does, it is not the coordinator's.
        let _ = std::fs::remove_dir(folder);
    }
}

/// The coordinator is this process's parent; a stranger's invitation is not taken.
fn check_parent(coordinator: u32) -> Result<(), String> {
    #[cfg(unix)]
    if std::os::unix::process::parent_id() != coordinator {
        return Err("the process that invited this worker is not its parent, or is gone".into());
    }
    #[cfg(not(unix))]
    let _ = coordinator;
    Ok(())
}

fn limit_memory(bytes: Option<u64>) -> Result<(), String> {
    #[cfg(unix)]
    if bytes.is_some() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::As).maximum;
        let limit = Rlimit {
            current: bytes,
            maximum,
        };
        setrlimit(Resource::As, limit)
            .map_err(|error| format!("its memory could not be limited: {error}"))?;
    }
    #[cfg(not(unix))]
    let _ = bytes;
    Ok(())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.into()).spawn(body);
    thread.map(drop).map_err(|error| error.to_string())
}

/// Ends the process when the coordinator's end of the lifeline closes, even in the middle of a task.
fn follow(end: &IpcReceiver<()>) {
    while let Some(Ok(())) = receive(end) {}
    sys::exit_now(0);
}

impl Link for IpcLink {
    fn receive(&mut self) -> Option<Incoming> {
        self.outbox.watch();
        loop {
            let message = self.inbox.next()?;
            if let Some(incoming) = self.take_in(message) {
                return Some(incoming);
            }
        }
    }

    fn try_receive(&mut self) -> Option<Incoming> {
        loop {
            let message = self.inbox.next_passed_on().ok()?;
            if let Some(incoming) = self.take_in(message) {
                return Some(incoming);
            }
        }
    }

    fn send(&mut self, to: ProcessorId, value: Value) {
        let message = ToWorkerProcess::Message {
            from: Some(self.worker),
            message: ToWorker::Value(value),
        };
        self.inbox.be_busy();
        if let Some(peer) = self.peers.get(&to) {
            // If it is gone, the coordinator knows, or will, and sees to what is lost.
            let _ = send(peer, message);
        }
    }

    fn report(&mut self, message: FromWorker) -> bool {
        self.inbox.be_busy();
        self.outbox.put(message)
    }

    fn tell_all(&mut self) {
        self.outbox.empty();
    }

    fn peer_changes(&self) -> u32 {
        self.peer_changes
    }

    fn begin(&mut self, step: &Step, start: Timestamp) {
        self.inbox.be_busy();
        self.outbox.watch();
        self.progress.begin(step.task, step.attempt, start);
    }

    fn end(&mut self) {
        self.progress.end();
    }
}
