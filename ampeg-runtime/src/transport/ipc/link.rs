//! The worker's side of a connection: connects, receives, and ends the process when the coordinator is gone.

use super::inbox::Inbox;
use super::outbox::Outbox;
use super::parcel::{Parcel, guarded, receive, send};
use super::rendezvous::{self, Hello};
use super::{ToCoordinator, ToWorkerProcess};
use crate::base::bounded;
use crate::base::clock::Timestamp;
use crate::base::panics;
use crate::run::message::{AttemptReport, Epoch, ToWorker, Value};
use crate::run::progress::Progress;
use crate::run::worker::{Incoming, Link, work};
use crate::sys;
use crate::sys::resources;
use crate::sys::thread;
use crate::transport::output;
use crate::transport::setup::Hook;
use ampeg_schedule::{ProcessorId, TaskId};
use ipc_channel::ipc::{self, IpcReceiver};
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::thread::Builder;

/// The connection of this worker process to its coordinator and the other workers.
#[derive(Debug)]
pub(crate) struct IpcLink {
    outbox: Outbox,
    epoch: Epoch,
    /// Results that arrived in one message with others.
    values: VecDeque<Incoming>,
    inbox: Inbox,
    progress: Progress,
    stack: Option<usize>,
    /// Whether the beginnings of tasks are marked in the output.
    marks_output: bool,
}

impl IpcLink {
    /// Connects to the coordinator at this address.
    pub(crate) fn connect(address: &str) -> Result<Self, String> {
        let text = |error: &dyn fmt::Display| error.to_string();
        let (inbound, receiver) = ipc::channel().map_err(|error| text(&error))?;
        let (lifeline, end) = ipc::channel::<Parcel<()>>().map_err(|error| text(&error))?;
        let progress = Progress::new()?;
        let record = progress.clone();
        panics::record_with(move |text| record.note_panic(text));
        let hello = Hello {
            build: sys::build(),
            inbound,
            lifeline,
            progress: guarded(|| progress.memory())?.ok_or("its progress is not shared")?,
        };
        // The program has set no signal handlers at this time, so the call is not interrupted.
        rendezvous::say(address, hello)?;
        // The threads are started while the coordinator reads the hello.
        thread::spawn("ampeg lifeline", move || follow(&end)).map_err(|error| text(&error))?;
        let mut inbox = Inbox::new(receiver, progress.clone())?;
        let Some((
            ToWorkerProcess::Welcome {
                worker,
                generation,
                limits,
                hook,
                marks_output,
                coordinator,
            },
            _,
        )) = inbox.next()
        else {
            return Err("the coordinator did not say welcome".into());
        };
        limits.memory.map_or(Ok(()), resources::limit_memory)?;
        show_name(worker);
        hook.map_or(Ok(()), Hook::run)?;
        let ready = ToCoordinator::Ready { worker, generation };
        send(&coordinator, ready).map_err(|error| text(&error))?;
        Ok(Self {
            outbox: Outbox::new(coordinator, worker, generation),
            epoch: 0,
            values: VecDeque::new(),
            inbox,
            progress,
            stack: limits.stack,
            marks_output,
        })
    }

    /// Works until the coordinator sends `Stop` or is gone. Tasks run in a new thread if their stack must have
    /// another size than that of the main thread.
    pub(crate) fn work(mut self) -> Result<(), String> {
        let Some(bytes) = self.stack else {
            return work(&mut self);
        };
        let thread = Builder::new().name("ampeg tasks".into()).stack_size(bytes);
        let thread = thread.spawn(move || work(&mut self)).map_err(|error| {
            let reason = resources::refused(&error);
            format!("a stack of {bytes} bytes for tasks cannot be had: {reason}")
        })?;
        thread
            .join()
            .unwrap_or_else(|_| Err("the thread that runs tasks has panicked".into()))
    }

    /// Handles new addresses of peers. Other messages are for the worker.
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

/// Makes lists of processes show the program's name and the worker's number instead of `exe`.
fn show_name(worker: ProcessorId) {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let (program, number) = (program.to_string_lossy(), format!(" {worker}"));
    let room = SHOWN_NAME.saturating_sub(number.len());
    sys::show_name(&format!("{}{number}", bounded::beginning(&program, room)));
}

/// The length at which the system cuts the name of a process.
const SHOWN_NAME: usize = 15;

/// Ends the process when the coordinator's end of the lifeline closes, even during a task.
fn follow(end: &IpcReceiver<Parcel<()>>) {
    while let Some(Ok(())) = receive(end) {}
    sys::exit_with_group(0);
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
        self.outbox.send_value(to, value)
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

    fn begin_output(&mut self, task: TaskId) {
        if self.marks_output {
            self.flush_output();
            let mark = output::mark(task);
            // Whoever was to read it may be gone.
            let _ = std::io::stdout().write_all(&mark);
            let _ = std::io::stderr().write_all(&mark);
        }
    }

    fn flush_output(&mut self) {
        // The reader of the output may be gone.
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
