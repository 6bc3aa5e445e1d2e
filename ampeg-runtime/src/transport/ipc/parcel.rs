//! Sends and receives messages of ipc-channel, and handles errors of the system.

use crate::base::panics;
use crate::sys::resources;
use crate::value::segment::take_refusal;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use ipc_channel::{IpcError, TryRecvError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A message that can be sent again if it was not accepted. ipc-channel consumes a message even if it cannot send the
/// message, so a clone of a parcel is sent.
#[derive(Debug)]
pub(super) struct Parcel<T>(Arc<T>);

impl<T> Parcel<T> {
    pub(super) fn new(content: T) -> Self {
        Self(Arc::new(content))
    }

    /// The content, if this is the last clone of the message.
    pub(super) fn into_inner(self) -> Option<T> {
        Arc::into_inner(self.0)
    }
}

impl<T> Clone for Parcel<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Serialize> Serialize for Parcel<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(&self.0, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Parcel<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

/// The outcome of sending a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Taken,
    /// The receiver is gone, and needs no message.
    Gone,
    /// The receiver has not accepted earlier messages. This message can be sent again later.
    Full,
}

/// The wait until receivers may have taken descriptors that are on their way.
const TRANSIT_TIME: Duration = Duration::from_millis(1);

/// Sends a message. If the receiver's socket has a time limit for sends, this never waits for longer.
///
/// # Errors
///
/// If the message can never be sent, because memory or descriptors are exhausted.
pub(super) fn try_send<T: Serialize>(
    sender: &IpcSender<Parcel<T>>,
    parcel: &Parcel<T>,
) -> Result<Sent, String> {
    loop {
        let error = match guarded(|| sender.send(parcel.clone()))? {
            Ok(()) => return Ok(Sent::Taken),
            Err(IpcError::Disconnected) => return Ok(Sent::Gone),
            Err(IpcError::Io(error)) => error,
            Err(error) => return Err(take_refusal().unwrap_or_else(|| error.to_string())),
        };
        match error.kind() {
            // A signal interrupted the call before anything was sent.
            ErrorKind::Interrupted => {}
            ErrorKind::WouldBlock => return Ok(Sent::Full),
            ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::NotConnected => return Ok(Sent::Gone),
            _ if is_transit_full(&error) => return Ok(Sent::Full),
            _ => return Err(error.to_string()),
        }
    }
}

/// Whether the system refuses a message because too many descriptors are on their way between processes.
#[cfg(unix)]
fn is_transit_full(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::TOOMANYREFS.raw_os_error())
}

#[cfg(not(unix))]
fn is_transit_full(_: &io::Error) -> bool {
    false
}

/// Sends a message, and waits until the receiver accepts it or is gone.
///
/// # Errors
///
/// Like [`try_send`].
pub(super) fn send_parcel<T: Serialize>(
    sender: &IpcSender<Parcel<T>>,
    parcel: &Parcel<T>,
) -> Result<(), String> {
    loop {
        let start = Instant::now();
        if try_send(sender, parcel)? != Sent::Full {
            return Ok(());
        }
        // A full socket has already made this thread wait. Too many descriptors on their way have not.
        sleep(TRANSIT_TIME.saturating_sub(start.elapsed()));
    }
}

/// Like [`send_parcel`], for a message that is sent once.
pub(super) fn send<T: Serialize>(sender: &IpcSender<Parcel<T>>, message: T) -> Result<(), String> {
    send_parcel(sender, &Parcel::new(message))
}

/// A loss while receiving.
#[derive(Debug)]
pub(super) enum Loss {
    /// One message is lost: this process has no memory or no descriptor left for its attachments.
    Message(String),
    /// This message and all later ones are lost.
    Channel(String),
}

/// Receives a message. Continues after a signal. None if no sender is left.
pub(super) fn receive<T: for<'de> Deserialize<'de> + Serialize>(
    receiver: &IpcReceiver<Parcel<T>>,
) -> Option<Result<T, Loss>> {
    loop {
        match guarded(|| receiver.recv()) {
            Ok(Err(IpcError::Io(error))) if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(IpcError::Disconnected)) => return None,
            Ok(Ok(parcel)) => return parcel.into_inner().map(Ok),
            Ok(Err(error)) => return Some(Err(Loss::Channel(error.to_string()))),
            Err(reason) => return Some(Err(Loss::Message(reason))),
        }
    }
}

/// Like [`receive`], until a deadline. Also returns none if the deadline has passed.
pub(super) fn receive_until<T: for<'de> Deserialize<'de> + Serialize>(
    receiver: &IpcReceiver<Parcel<T>>,
    deadline: Instant,
) -> Option<Result<T, Loss>> {
    loop {
        // ipc-channel waits for whole milliseconds. A wait of 0 ms would keep the processor busy.
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = if left.is_zero() {
            left
        } else {
            left.max(Duration::from_millis(1))
        };
        match guarded(|| receiver.try_recv_timeout(wait)) {
            Ok(Ok(parcel)) => return parcel.into_inner().map(Ok),
            Ok(Err(TryRecvError::IpcError(IpcError::Io(error))))
                if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(TryRecvError::IpcError(IpcError::Disconnected))) => return None,
            Ok(Err(TryRecvError::IpcError(error))) => {
                return Some(Err(Loss::Channel(error.to_string())));
            }
            Ok(Err(TryRecvError::Empty)) if left.is_zero() => return None,
            Ok(Err(TryRecvError::Empty)) => {}
            Err(reason) => return Some(Err(Loss::Message(reason))),
        }
    }
}

/// Calls ipc-channel, which panics if the system has no memory or no descriptor left for a message.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    panics::catch_ours(call).map_err(|_| resources::shortage(&io::Error::last_os_error()))
}
