//! The thread that receives hellos.
//!
//! Each started process has its own connection, which stays open until the process sends a hello, disconnects or is
//! forgotten. The thread never waits for a single process.

use super::OnArrival;
use super::raw::Raw;
use super::relay::Relay;
use crate::sys::resources;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::mem::take;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// The wait when the system has no descriptors or memory left.
const SHORTAGE: Duration = Duration::from_millis(10);
/// The descriptors of a hello, which are duplicated while it is read.
const PER_HELLO: u64 = 8;

/// State that the thread shares with the threads that start processes.
#[derive(Debug)]
pub(super) struct AcceptorState {
    expected: Mutex<Expected>,
    /// Makes the thread read `expected` again.
    news: OwnedFd,
}

/// The processes that were started and have not said hello.
#[derive(Default)]
struct Expected {
    callbacks: HashMap<u32, OnArrival>,
    /// Processes that the thread has not taken over yet.
    new: Vec<PendingProcess>,
    is_closed: bool,
}

/// A process that has not said hello yet.
#[derive(Debug)]
struct PendingProcess {
    pid: u32,
    /// The coordinator's side of the connection.
    socket: OwnedFd,
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.callbacks.keys()).finish()
    }
}

impl AcceptorState {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            expected: Mutex::default(),
            news: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Expects a hello of a process, which may have sent it already.
    pub(super) fn expect(&self, pid: u32, socket: OwnedFd, on_arrival: OnArrival) {
        let mut expected = self.lock();
        // A previous process with this id is gone, because the system gave the id to this one.
        expected.callbacks.insert(pid, on_arrival);
        expected.new.push(PendingProcess { pid, socket });
        drop(expected);
        self.wake();
    }

    pub(super) fn forget(&self, pid: u32) {
        let removed = self.lock().callbacks.remove(&pid);
        if removed.is_some() {
            self.wake();
        }
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.wake();
    }

    fn wake(&self) {
        // The write fails only if the counter is full, and then the thread wakes up anyway.
        let _ = retry_on_intr(|| write(&self.news, &1_u64.to_ne_bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Acceptor {
    relay: Relay,
    shared: Arc<AcceptorState>,
    pending: Vec<PendingProcess>,
    /// Whether there are not enough free descriptors to receive a hello.
    is_short: bool,
}

impl Acceptor {
    pub(super) fn new(relay: Relay, shared: Arc<AcceptorState>) -> Self {
        Self {
            relay,
            shared,
            pending: Vec::new(),
            is_short: false,
        }
    }

    /// Receives hellos until the rendezvous is closed.
    pub(super) fn run(mut self) {
        loop {
            match self.wait() {
                Ok(()) | Err(Errno::INTR) => {}
                // Other code has closed the descriptors of this process, and may have opened others with the same
                // numbers.
                Err(Errno::BADF) => return,
                // The system has no memory left.
                Err(_) => sleep(SHORTAGE),
            }
            if !self.update_pending() {
                return;
            }
            self.receive_hellos();
        }
    }

    /// Waits until there is something to do.
    fn wait(&self) -> rustix::io::Result<()> {
        let mut polled = vec![PollFd::new(&self.shared.news, PollFlags::IN)];
        let mut timeout = None;
        if self.is_short {
            timeout = Timespec::try_from(SHORTAGE).ok();
        } else {
            let sockets = self.pending.iter().map(|process| &process.socket);
            polled.extend(sockets.map(|socket| PollFd::new(socket, PollFlags::IN)));
        }
        poll(&mut polled, timeout.as_ref())?;
        if polled
            .iter()
            .any(|it| it.revents().contains(PollFlags::NVAL))
        {
            return Err(Errno::BADF);
        }
        Ok(())
    }

    /// If there is news, adds new processes and removes forgotten ones. Returns false if the rendezvous is closed.
    fn update_pending(&mut self) -> bool {
        if retry_on_intr(|| read(&self.shared.news, &mut [0; 8])).is_err() {
            return true;
        }
        let mut expected = self.shared.lock();
        self.pending.append(&mut take(&mut expected.new));
        self.pending
            .retain(|process| expected.callbacks.contains_key(&process.pid));
        !expected.is_closed
    }

    /// Receives hellos, and removes processes that have sent one or disconnected.
    fn receive_hellos(&mut self) {
        self.is_short = !resources::has_room_for_files(PER_HELLO);
        if self.is_short {
            return;
        }
        self.pending.retain(|process| {
            let arrival = match Raw::receive(&process.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // The thread that watches the process reports its end.
                Ok(None) => return false,
                Ok(Some(message)) => self.relay.read(message),
                Err(error) => Err(error.to_string()),
            };
            let on_arrival = self.shared.lock().callbacks.remove(&process.pid);
            if let Some(on_arrival) = on_arrival {
                on_arrival(arrival);
            }
            false
        });
    }
}
