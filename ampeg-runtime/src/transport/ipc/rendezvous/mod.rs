//! How new worker processes find their coordinator.
//!
//! A pool has one rendezvous. Each worker process receives its address, and says hello; a thread of the
//! coordinator's process receives hellos, so no other thread waits for a start.
//! Only processes that were started for it are heard, and only once each. Nothing here knows what workers are for.
//!
//! On Linux each process is started with one end of a pair of sockets as its stdin. Elsewhere each start has a socket
//! with a name in the temporary folder, where the first process to connect counts as the worker.

use super::ToWorkerProcess;
use super::parcel::Parcel;
use crate::sys;
use ipc_channel::ipc::{IpcSender, IpcSharedMemory};
use serde::{Deserialize, Serialize};
use std::process::Stdio;

#[cfg(target_os = "linux")]
mod acceptor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod one_shot;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod relay;

#[cfg(all(test, target_os = "linux"))]
mod tests;

#[cfg(target_os = "linux")]
pub(in crate::transport) use linux::{Rendezvous, say};
#[cfg(not(target_os = "linux"))]
pub(in crate::transport) use one_shot::{Rendezvous, say};

/// The first message of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::transport) struct Hello {
    pub(in crate::transport) build: u64,
    /// Goes first of all that is no plain number: it becomes the first descriptor of the message.
    pub(in crate::transport) inbound: IpcSender<Parcel<ToWorkerProcess>>,
    pub(in crate::transport) lifeline: IpcSender<Parcel<()>>,
    pub(in crate::transport) progress: IpcSharedMemory,
}

impl Hello {
    fn check(self) -> Result<Self, String> {
        if self.build != sys::build() {
            return Err("it is another build of this program".into());
        }
        Ok(self)
    }
}

/// A worker that has said hello.
#[derive(Debug)]
pub(in crate::transport) struct Arrival {
    pub(in crate::transport) hello: Hello,
    /// The socket of `hello.inbound` once more, for sending without waiting; no process that is started inherits it.
    #[cfg(target_os = "linux")]
    pub(in crate::transport) socket: std::os::fd::OwnedFd,
}

/// What a worker process is started with, so that it can [`say`] hello.
#[derive(Debug)]
pub(in crate::transport) struct Invitation {
    /// Begins with the number of the coordinator's process, which must be the worker's parent.
    pub(in crate::transport) address: String,
    pub(in crate::transport) stdin: Stdio,
}

/// Receives the hello of one worker, or the reason why its message is no hello.
type OnArrival = Box<dyn FnOnce(Result<Arrival, String>) + Send>;

/// Whether the coordinator that an invitation names is this process's parent, where that can be asked.
pub(crate) fn is_from_parent(address: &str) -> bool {
    let coordinator = address.split(':').next();
    #[cfg(unix)]
    let is_parent = |id: u32| id == std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let is_parent = |_: u32| true;
    coordinator
        .and_then(|id| id.parse().ok())
        .is_some_and(is_parent)
}

/// A stranger's invitation is not taken.
fn check_parent(address: &str) -> Result<(), String> {
    if is_from_parent(address) {
        Ok(())
    } else {
        Err("the process that invited this worker is not its parent, or is gone".into())
    }
}
