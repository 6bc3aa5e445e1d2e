//! A worker process's side: connect, drain, and end when the coordinator is gone.

use super::ToWorkerProcess;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::parcel::{Parcel, guarded, receive};
use super::rendezvous::{self, Hello};
use crate::clock::Timestamp;
use crate::id::ProcessorId;
use crate::message::{AttemptReport, Epoch, ToWorker, Value};
use crate::progress::Progress;
use crate::worker::{Incoming, Link};
use crate::{bounded, panics, sys, thread};
use ipc_channel::ipc::{self, IpcReceiver};
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::path::Path;

/// The connection of this worker process to all others.
#[derive(Debug)]
pub(crate) struct IpcLink {
    outbox: Outbox,
    epoch: Epoch,
    /// Results that came with others in one message.
    values: VecDeque<Incoming>,
    inbox: Inbox,
    progress: Progress,
    memory_limit: Option<u64>,
}

impl IpcLink {
    /// Connects to the coordinator that the invitation names.
    pub(crate) fn connect(invitation: &str) -> Result<Self, String> {
        let text = |error: &dyn fmt::Display| error.to_string();
        let connection = rendezvous::connect(invitation)?;
        let (inbound, receiver) = ipc::channel().map_err(|error| text(&error))?;
        let (lifeline, end) = ipc::channel::<Parcel<()>>().map_err(|error| text(&error))?;
        let progress = Progress::new()?;
        panics::record_in(progress.clone());
        let hello = Hello {
            build: sys::build(),
            inbound,
            lifeline,
            progress: guarded(|| progress.memory())?,
        };
        // No signal handler of the program's is set this early: the call is not interrupted.
        guarded(|| connection.send(hello))?.map_err(|error| text(&error))?;
        drop(connection);
        // While the coordinator reads the hello, the rest is made ready.
        thread::spawn("ampeg lifeline", move || follow(&end)).map_err(|error| text(&error))?;
        let mut inbox = Inbox::new(receiver, progress.clone())?;
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
        show_name(worker);
        Ok(Self {
            outbox: Outbox::new(coordinator, worker, generation),
            epoch: 0,
            values: VecDeque::new(),
            inbox,
            progress,
            memory_limit,
        })
    }

    /// A reason why a message cannot be sent, with the limit that is likely to be behind it.
    fn with_limit(&self, reason: String) -> String {
        match self.memory_limit {
            Some(bytes) => format!(
                "{reason}; `memory_limit` leaves this worker {} MB of address space, and a large result takes its \
                 size up to four times: as a value, encoded, and mapped for sending and for receiving",
                bytes / 1_000_000
            ),
            None => reason,
        }
    }

    /// Takes in news of peers; anything else is for the worker.
    fn receive_peers(
        &mut self,
        (message, received): (ToWorkerProcess, Timestamp),
    ) -> Option<Incoming> {
        match message {
            ToWorkerProcess::Message(message) => Some(Incoming {
                from: None,
                message,
                received,
            }),
            ToWorkerProcess::Values { from, values } => {
                let values = values.into_iter().map(|value| Incoming {
                    from: Some(from),
                    message: ToWorker::Value(value),
                    received,
                });
                self.values.extend(values);
                self.values.pop_front()
            }
            ToWorkerProcess::Peers { peers, epoch } => {
                self.outbox.introduce(peers);
                self.epoch = epoch;
                None
            }
            ToWorkerProcess::Welcome { .. } => None,
        }
    }
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

/// Has lists of processes show the program's name and the worker's number, not `exe`.
fn show_name(worker: ProcessorId) {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let (program, number) = (program.to_string_lossy(), format!(" {worker}"));
    let room = SHOWN_NAME.saturating_sub(number.len());
    sys::show_name(&format!("{}{number}", bounded::beginning(&program, room)));
}

/// How many bytes of a process's name the system keeps.
const SHOWN_NAME: usize = 15;

/// Ends the process when the coordinator's end of the lifeline closes, even in the middle of a task.
fn follow(end: &IpcReceiver<Parcel<()>>) {
    while let Some(Ok(())) = receive(end) {}
    sys::exit_now(0);
}

impl Link for IpcLink {
    fn receive(&mut self) -> Option<Incoming> {
        if let Some(value) = self.values.pop_front() {
            return Some(value);
        }
        self.outbox.flush_values();
        self.outbox.flush_soon();
        loop {
            let message = self.inbox.next()?;
            if let Some(incoming) = self.receive_peers(message) {
                return Some(incoming);
            }
        }
    }

    fn try_receive(&mut self) -> Option<Incoming> {
        if let Some(value) = self.values.pop_front() {
            return Some(value);
        }
        loop {
            let message = self.inbox.next_passed_on().ok()?;
            if let Some(incoming) = self.receive_peers(message) {
                return Some(incoming);
            }
        }
    }

    fn send(&mut self, to: ProcessorId, value: Value) -> Result<(), String> {
        self.inbox.be_busy();
        let sent = self.outbox.send_value(to, value);
        sent.map_err(|reason| self.with_limit(reason))
    }

    fn report(&mut self, report: AttemptReport) -> bool {
        self.inbox.be_busy();
        self.outbox.push(report)
    }

    fn flush(&mut self) {
        self.outbox.flush();
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn set_busy(&mut self) {
        self.inbox.be_busy();
        self.outbox.flush_soon();
    }

    fn flush_output(&mut self) {
        // Whoever was to read it may be gone.
        let _ = std::io::stdout().flush();
        sys::flush_c_output();
    }

    fn release_memory(&mut self) {
        sys::release_freed_memory();
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }
}
