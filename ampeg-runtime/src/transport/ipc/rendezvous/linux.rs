//! The rendezvous on Linux: what the coordinator and a worker do with it.
//!
//! A socket is reached by a descriptor of its file, which a worker process gets as its stdin and can connect to, as to
//! any file, by the name that `/proc` gives it. The file itself has no name any more.

use super::acceptor::{Acceptor, Shared};
use super::listener::Listener;
use super::relay::Relay;
use super::{Arrival, Hello, Invitation, check_parent};
use crate::error::Error;
use crate::process::Process;
use crate::run_error::RunErrorKind;
use crate::{sys, thread};
use ipc_channel::ipc::IpcSender;
use rustix::fs::{Mode, OFlags, open};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Where new worker processes come to.
#[derive(Debug)]
pub(in crate::transport) struct Rendezvous {
    /// The file of the socket.
    address: OwnedFd,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Rendezvous {
    /// Opens one; it holds five descriptors and a thread.
    pub(in crate::transport) fn open() -> Result<Self, Error> {
        // Some of these calls, made by ipc-channel, cannot be done again once they are interrupted.
        sys::without_signals(Self::try_open).map_err(|reason| RunErrorKind::NoWorker(reason).into())
    }

    fn try_open() -> Result<Self, String> {
        let Listener { socket, address } = Listener::open()?;
        let relay = Relay::open(&socket, &address)?;
        let text = |error: io::Error| format!("a rendezvous cannot be made: {error}");
        let shared = Arc::new(Shared::new().map_err(text)?);
        let acceptor = Acceptor::new(socket, relay, shared.clone());
        let acceptor = thread::spawn("ampeg accept", move || acceptor.run()).map_err(text)?;
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Starts a process that is to connect; `tell` is called if it says hello, in the thread of this rendezvous, and so
    /// must neither wait for anything nor drop the rendezvous.
    ///
    /// A process that ends right after its hello may be told gone by its watcher before `tell` is called.
    /// `tell` is dropped without a call if this fails, if the process is forgotten before, or with the rendezvous.
    pub(in crate::transport) fn start(
        &self,
        start: impl FnOnce(Invitation) -> io::Result<Process>,
        tell: impl FnOnce(Result<Arrival, String>) + Send + 'static,
    ) -> io::Result<Process> {
        let invitation = Invitation {
            address: std::process::id().to_string(),
            stdin: Stdio::from(self.address.try_clone()?),
        };
        let started = self.shared.starting();
        let process = start(invitation)?;
        started.expect(process.pid(), Box::new(tell));
        Ok(process)
    }

    /// Hears a process no more that has ended or is to end; one that is not expected is left alone.
    pub(in crate::transport) fn forget(&self, pid: u32) {
        self.shared.forget(pid);
    }

    /// The file of the socket, as strangers may find it.
    #[cfg(test)]
    pub(super) fn address(&self) -> &OwnedFd {
        &self.address
    }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(acceptor) = self.acceptor.take() {
            // If it has panicked, its message has been printed.
            let _ = acceptor.join();
        }
    }
}

/// Connects this process to the coordinator that started it, and leaves it an empty stdin.
pub(in crate::transport) fn connect(address: &str) -> Result<IpcSender<Hello>, String> {
    check_parent(address)?;
    let connection = loop {
        match IpcSender::connect("/proc/self/fd/0".to_owned()) {
            Ok(connection) => break connection,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("it cannot reach its coordinator: {error}")),
        }
    };
    // Without that file, stdin stays one that cannot be read.
    if let Ok(null) = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        rustix::stdio::dup2_stdin(null).map_err(|error| error.to_string())?;
    }
    Ok(connection)
}
