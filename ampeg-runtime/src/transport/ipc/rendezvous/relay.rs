//! How a message that was received as bytes and descriptors becomes one with types.
//!
//! ipc-channel makes channels of nothing but what comes out of its own. So there is one channel that leads from this
//! process to itself, of which the sending end is held as the bare socket: what is written there comes out as a hello.

use super::super::parcel::guarded;
use super::raw::Raw;
use super::{Arrival, Hello};
use crate::sys;
use ipc_channel::ipc::{IpcReceiver, IpcSender, channel};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use std::fmt::Display;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The channel from this process to itself.
#[derive(Debug)]
pub(super) struct Relay {
    socket: OwnedFd,
    receiver: IpcReceiver<Hello>,
}

impl Relay {
    /// Makes one; the bare socket of its sender is got by sending it to the listener.
    pub(super) fn open(listener: &OwnedFd, address: &OwnedFd) -> Result<Self, String> {
        let text = |error: &dyn Display| format!("a rendezvous cannot be made: {error}");
        let (sender, receiver) = guarded(channel)?.map_err(|error| text(&error))?;
        let path = format!("/proc/self/fd/{}", address.as_raw_fd());
        let connection = IpcSender::connect(path).map_err(|error| text(&error))?;
        guarded(|| connection.send(sender))?.map_err(|error| text(&error))?;
        let message = loop {
            // A stranger may have come first.
            match accept_with(listener, SocketFlags::CLOEXEC) {
                Ok(socket) if sys::peer(socket.as_fd()) == Some(std::process::id()) => {
                    if let Ok(Some(message)) = Raw::receive(&socket) {
                        break message;
                    }
                }
                Ok(_) | Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(error) => return Err(text(&error)),
            }
        };
        match <[OwnedFd; 1]>::try_from(message.descriptors) {
            Ok([socket]) => Ok(Self { socket, receiver }),
            Err(_) => Err(text(&"the message had no descriptor")),
        }
    }

    /// The hello that a message is.
    pub(super) fn read(&self, message: Raw) -> Result<Arrival, String> {
        let kinds = message.descriptors.iter().map(|descriptor| {
            let mode = fstat(descriptor)
                .map_err(|error| error.to_string())?
                .st_mode;
            Ok(FileType::from_raw_mode(mode) == FileType::Socket)
        });
        let kinds: Vec<bool> = kinds.collect::<Result<_, String>>()?;
        // ipc-channel panics if channels are missing, and never closes those that are too many.
        if kinds != [true, true, false] {
            return Err("what it said is no hello".into());
        }
        message
            .send(&self.socket)
            .map_err(|error| error.to_string())?;
        // The message is there: this does not wait.
        let hello = guarded(|| self.receiver.try_recv())?;
        let hello = hello.map_err(|error| error.to_string())?.check()?;
        let socket = message.descriptors.into_iter().next();
        Ok(Arrival {
            hello,
            socket: socket.ok_or("it has no channel")?,
        })
    }
}
