//! The thread that takes in hellos.
//!
//! Connections of strangers are closed at once; of a process that is expected, one connection is held until it speaks,
//! hangs up or is forgotten. So strangers cost nothing for long, and nobody is waited for.

use super::Tell;
use super::expected::{Expected, Verdict};
use super::raw::Raw;
use super::relay::Relay;
use crate::sys;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::net::{SocketFlags, accept_with};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

/// How many are accepted before the others are looked at again.
const AT_ONCE: usize = 64;
/// How long to wait when the system is short of descriptors or memory.
const SHORTAGE: Duration = Duration::from_millis(10);

/// What the thread and those who start processes have in common.
#[derive(Debug)]
pub(super) struct Shared {
    expected: Mutex<Expected>,
    /// Makes the thread look again at `expected`.
    news: OwnedFd,
}

impl Shared {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            expected: Mutex::default(),
            news: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// To be called before a process is started.
    pub(super) fn starting(&self) -> Starting<'_> {
        self.lock().n_starting += 1;
        Starting(self)
    }

    pub(super) fn forget(&self, pid: u32) {
        let forgotten = self.lock().take(pid);
        if forgotten.is_some() {
            self.tell();
        }
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.tell();
    }

    fn tell(&self) {
        // It fails only if there are more news than can be counted, and then there are news.
        let _ = retry_on_intr(|| write(&self.news, &1_u64.to_ne_bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A start that is going on; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Starting<'a>(&'a Shared);

impl Starting<'_> {
    /// It has succeeded, and this is the process.
    pub(super) fn expect(self, pid: u32, tell: Tell) {
        self.0.lock().insert(pid, tell);
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.lock().n_starting -= 1;
        self.0.tell();
    }
}

/// A connection that may be of use.
#[derive(Debug)]
struct Guest {
    socket: OwnedFd,
    pid: u32,
    verdict: Verdict,
}

#[derive(Debug)]
pub(super) struct Acceptor {
    listener: OwnedFd,
    relay: Relay,
    shared: Arc<Shared>,
    guests: Vec<Guest>,
    /// Whether the last connection could not be accepted, and was left for later.
    is_short: bool,
}

impl Acceptor {
    pub(super) fn new(listener: OwnedFd, relay: Relay, shared: Arc<Shared>) -> Self {
        Self {
            listener,
            relay,
            shared,
            guests: Vec::new(),
            is_short: false,
        }
    }

    /// Takes in hellos until the rendezvous is closed.
    pub(super) fn run(mut self) {
        loop {
            match self.wait() {
                Ok(()) | Err(Errno::INTR) => {}
                // Somebody has closed the descriptors of this process: whoever has their numbers now is not ours.
                Err(Errno::BADF) => return,
                // The system is short of memory.
                Err(_) => sleep(SHORTAGE),
            }
            if self.shared.lock().is_closed {
                return;
            }
            self.look_again();
            self.hear();
            self.accept();
        }
    }

    /// Waits until there is something to do.
    fn wait(&self) -> rustix::io::Result<()> {
        let input = PollFlags::IN;
        let expected = |guest: &&Guest| guest.verdict == Verdict::Expected;
        let expected = self.guests.iter().filter(expected);
        let mut polled = vec![PollFd::new(&self.shared.news, input)];
        polled.extend(expected.map(|guest| PollFd::new(&guest.socket, input)));
        let mut timeout = None;
        if self.is_short {
            timeout = Timespec::try_from(SHORTAGE).ok();
        } else {
            polled.push(PollFd::new(&self.listener, input));
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

    /// Judges those again who are here, if there are news.
    fn look_again(&mut self) {
        let mut count = [0; 8];
        if retry_on_intr(|| read(&self.shared.news, &mut count)).is_err() {
            return;
        }
        let expected = self.shared.lock();
        self.guests.retain_mut(|guest| {
            guest.verdict = expected.judge(guest.pid);
            guest.verdict != Verdict::Stranger
        });
    }

    /// Takes in what those say who are expected; whoever has spoken or hung up goes.
    fn hear(&mut self) {
        self.guests.retain(|guest| {
            if guest.verdict != Verdict::Expected {
                return true;
            }
            let arrival = match Raw::receive(&guest.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                // Its end is told by whoever watches it.
                Ok(None) => return false,
                Ok(Some(message)) => self.relay.read(message),
                Err(error) => Err(error.to_string()),
            };
            let tell = self.shared.lock().take(guest.pid);
            if let Some(tell) = tell {
                tell(arrival);
            }
            false
        });
    }

    /// Accepts those who have connected, and closes the connections of strangers.
    fn accept(&mut self) {
        self.is_short = false;
        for _ in 0..AT_ONCE {
            match accept_with(&self.listener, SocketFlags::CLOEXEC) {
                Ok(socket) => self.receive(socket),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.is_short = true;
                    return;
                }
            }
        }
    }

    fn receive(&mut self, socket: OwnedFd) {
        let Some(pid) = sys::peer(socket.as_fd()) else {
            return;
        };
        let verdict = self.shared.lock().judge(pid);
        let is_here = self.guests.iter().any(|guest| guest.pid == pid);
        if verdict != Verdict::Stranger && !is_here {
            self.guests.push(Guest {
                socket,
                pid,
                verdict,
            });
        }
    }
}
