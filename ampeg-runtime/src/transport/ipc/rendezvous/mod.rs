//! How new worker processes find their coordinator.
//!
//! A pool has one rendezvous. Each worker process gets its address and says hello. A thread of the coordinator's
//! process receives hellos, so no other thread waits for the start of a process. A hello is only accepted from a
//! process that was started for this rendezvous, and only once. Nothing here depends on what workers do.
//!
//! On Linux, each process is started with one end of a pair of sockets as its stdin. On other systems, each start has
//! a socket with a name in the temporary folder, and the first process that connects counts as the worker.

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
    /// The first field that is not a plain number, so that it becomes the first descriptor of the message.
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
    /// A duplicate of the socket of `hello.inbound`, for polling it. Processes that are started do not inherit it.
    #[cfg(target_os = "linux")]
    pub(in crate::transport) socket: std::os::fd::OwnedFd,
}

/// The stdin and address of a new worker process, with which it can [`say`] hello.
#[derive(Debug)]
pub(in crate::transport) struct Invitation {
    /// Begins with the process id of the coordinator, which must be the worker's parent.
    pub(in crate::transport) address: String,
    pub(in crate::transport) stdin: Stdio,
}

/// Receives the hello of one worker, or the reason why its message is not a hello.
type OnArrival = Box<dyn FnOnce(Result<Arrival, String>) + Send>;

/// Whether the coordinator in an invitation is this process's parent. True if the system cannot tell.
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

/// Refuses the invitation of another process than the parent.
fn check_parent(address: &str) -> Result<(), String> {
    if is_from_parent(address) {
        Ok(())
    } else {
        Err("the process that invited this worker is not its parent, or is gone".into())
    }
}
