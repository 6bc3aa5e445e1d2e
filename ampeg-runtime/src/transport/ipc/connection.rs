//! The connection from the coordinator to one worker. A send never waits for a worker that accepts no messages.

use super::ToWorkerProcess;
use super::parcel::{Parcel, Sent, try_send};
use super::rendezvous::Arrival;
use ipc_channel::ipc::IpcSender;
use std::collections::VecDeque;

/// The connection to a worker that has said hello.
#[derive(Debug)]
pub(super) struct Connection {
    sender: IpcSender<Parcel<ToWorkerProcess>>,
    /// Never used. The worker ends when this is dropped.
    _lifeline: IpcSender<Parcel<()>>,
    /// The messages that the worker has not accepted yet, in order.
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

    /// Sends a message, or keeps it if the worker does not accept it now.
    ///
    /// # Errors
    ///
    /// If the message can never be sent.
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

    /// Sends kept messages until the worker accepts no more.
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

    /// Whether the worker may accept a message now.
    #[cfg(target_os = "linux")]
    pub(super) fn takes_more(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut socket = [PollFd::new(&self.socket, PollFlags::OUT)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // An error of `poll` counts as yes, because sending the message returns a better error.
        poll(&mut socket, Some(&now)) != Ok(0)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn takes_more(&self) -> bool {
        true
    }
}

/// Limits how long a send to this worker waits if the socket stays full. This applies to the coordinator and to other
/// workers.
///
/// The system rounds the limit to its own ticks of 1 to 10 ms.
#[cfg(target_os = "linux")]
fn limit_waiting(socket: &std::os::fd::OwnedFd) -> Result<(), String> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    let wait = std::time::Duration::from_millis(1);
    set_socket_timeout(socket, Timeout::Send, Some(wait)).map_err(|error| error.to_string())
}
