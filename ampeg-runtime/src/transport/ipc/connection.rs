//! The connection from the coordinator to one worker. A send never waits for a worker that accepts nothing.

use super::ToWorkerProcess;
use super::parcel::{Parcel, Sent, try_send};
use super::rendezvous::Arrival;
use ipc_channel::ipc::IpcSender;
use std::collections::VecDeque;

/// A worker that has said hello, as the coordinator reaches it.
#[derive(Debug)]
pub(super) struct Connection {
    sender: IpcSender<Parcel<ToWorkerProcess>>,
    /// Held for its end only: when it closes, the worker ends.
    _lifeline: IpcSender<Parcel<()>>,
    /// What the worker has not taken yet, in order.
    backlog: VecDeque<Parcel<ToWorkerProcess>>,
    #[cfg(target_os = "linux")]
    socket: std::os::fd::OwnedFd,
}

impl Connection {
    pub(super) fn new(arrival: Arrival) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        limit_waiting(&arrival.socket)?;
        Ok(Self {
            sender: arrival.hello.inbound,
            _lifeline: arrival.hello.lifeline,
            backlog: VecDeque::new(),
            #[cfg(target_os = "linux")]
            socket: arrival.socket,
        })
    }

    pub(super) fn sender(&self) -> &IpcSender<Parcel<ToWorkerProcess>> {
        &self.sender
    }

    /// Sends a message, or keeps it if the worker takes none.
    ///
    /// # Errors
    ///
    /// If it can never be sent.
    pub(super) fn send(&mut self, message: ToWorkerProcess) -> Result<(), String> {
        let parcel = Parcel::new(message);
        if self.has_backlog() || try_send(&self.sender, &parcel)? == Sent::Full {
            self.backlog.push_back(parcel);
        }
        Ok(())
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends as much as the worker takes of what was kept.
    ///
    /// # Errors
    ///
    /// If a message can never be sent.
    pub(super) fn send_backlog(&mut self) -> Result<(), String> {
        while self.takes_more() {
            let Some(parcel) = self.backlog.pop_front() else {
                break;
            };
            if try_send(&self.sender, &parcel)? == Sent::Full {
                self.backlog.push_front(parcel);
                break;
            }
        }
        Ok(())
    }

    /// Whether the worker takes a message now, as far as one can know without sending it.
    #[cfg(target_os = "linux")]
    pub(super) fn takes_more(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut socket = [PollFd::new(&self.socket, PollFlags::OUT)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Sending the message gives a better error.
        poll(&mut socket, Some(&now)) != Ok(0)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn takes_more(&self) -> bool {
        true
    }
}

/// Has each send to this worker, by the coordinator or by another worker, end after a moment if the socket stays full.
///
/// The system counts in its own ticks, of 1 to 10 ms.
#[cfg(target_os = "linux")]
fn limit_waiting(socket: &std::os::fd::OwnedFd) -> Result<(), String> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    let wait = std::time::Duration::from_millis(1);
    set_socket_timeout(socket, Timeout::Send, Some(wait)).map_err(|error| error.to_string())
}
