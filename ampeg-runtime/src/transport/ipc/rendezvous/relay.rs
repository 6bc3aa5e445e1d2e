//! Converts messages of ipc-channel to and from raw bytes, without a channel.
//!
//! ipc-channel only makes channels of messages that it receives itself, and does not show its sockets. So the socket
//! of one channel is found among all descriptors of this process, by a random message that was sent to it. All other
//! sockets are received through that one.

use super::super::parcel::guarded;
use super::raw::Raw;
use super::{Arrival, Hello};
use crate::sys;
use ipc_channel::ipc::{IpcReceiver, IpcSender, channel};
use rustix::fs::{FileType, fstat};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;

/// A channel from this process to itself. A raw message that is written to its socket is received as a hello.
#[derive(Debug)]
pub(super) struct Relay {
    socket: OwnedFd,
    receiver: IpcReceiver<Hello>,
}

/// The raw message of a hello.
pub(super) fn write_hello(hello: Hello) -> Result<Raw, String> {
    let (sender, socket) = open_ended()?;
    written(&sender, hello, &socket)
}

fn text(error: &dyn Display) -> String {
    format!("a rendezvous cannot be made: {error}")
}

/// A channel whose receiving end is a plain socket.
fn open_ended<T: Serialize + for<'de> Deserialize<'de>>() -> Result<(IpcSender<T>, OwnedFd), String>
{
    let (sender, receiver) = guarded(channel::<[[u8; 8]; 2]>)?.map_err(|error| text(&error))?;
    // `RandomState` takes its keys from the system's random source.
    let sign = [(); 2].map(|()| {
        RandomState::new()
            .hash_one(std::process::id())
            .to_ne_bytes()
    });
    sender.send(sign).map_err(|error| text(&error))?;
    // ipc-channel sends bytes unchanged.
    let socket = sys::socket_with(sign.as_flattened());
    let socket = socket.ok_or_else(|| text(&"a socket of its own cannot be found"))?;
    Raw::receive(&socket).map_err(|error| text(&error))?;
    drop(receiver);
    Ok((sender.to_opaque().to(), socket))
}

/// The raw message of a value, which is sent and received in this process.
fn written<T: Serialize>(
    sender: &IpcSender<T>,
    value: T,
    receiver: &OwnedFd,
) -> Result<Raw, String> {
    guarded(|| sender.send(value))?.map_err(|error| text(&error))?;
    let message = Raw::receive(receiver).map_err(|error| text(&error))?;
    message.ok_or_else(|| text(&"a message is missing"))
}

impl Relay {
    pub(super) fn open() -> Result<Self, String> {
        let (carrier, end) = open_ended()?;
        let (sender, receiver) = guarded(channel::<Hello>)?.map_err(|error| text(&error))?;
        let message = written(&carrier, sender, &end)?;
        match <[OwnedFd; 1]>::try_from(message.descriptors) {
            Ok([socket]) => Ok(Self { socket, receiver }),
            Err(_) => Err(text(&"the message had no descriptor")),
        }
    }

    /// The hello in a raw message.
    pub(super) fn read(&self, message: Raw) -> Result<Arrival, String> {
        let kinds = message.descriptors.iter().map(|descriptor| {
            let mode = fstat(descriptor)
                .map_err(|error| error.to_string())?
                .st_mode;
            Ok(FileType::from_raw_mode(mode) == FileType::Socket)
        });
        let kinds: Vec<bool> = kinds.collect::<Result<_, String>>()?;
        // ipc-channel panics if channels are missing, and leaks channels that it does not expect.
        if kinds != [true, true, false] {
            return Err("its message is not a hello".into());
        }
        message
            .send(&self.socket)
            .map_err(|error| error.to_string())?;
        // The message has arrived, so this does not wait.
        let hello = guarded(|| self.receiver.try_recv())?;
        let hello = hello.map_err(|error| error.to_string())?.check()?;
        let socket = message.descriptors.into_iter().next();
        Ok(Arrival {
            hello,
            socket: socket.ok_or("it has no channel")?,
        })
    }
}
