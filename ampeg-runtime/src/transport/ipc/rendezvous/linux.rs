//! The rendezvous on Linux, for the coordinator and for a worker.
//!
//! A worker process gets one end of a pair of sockets as its stdin. The pair has no name, so no other process can
//! connect, and a killed program leaves nothing behind.

use super::acceptor::{Acceptor, AcceptorState};
use super::relay::{Relay, write_hello};
use super::{Arrival, Hello, Invitation, check_parent};
use crate::base::run_error::RunErrorKind;
use crate::sys;
use crate::sys::resources;
use crate::sys::thread;
use crate::transport::process::Process;
use ampeg_schedule::Error;
use rustix::fs::{Mode, OFlags, open};
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Starts worker processes and receives their hellos.
#[derive(Debug)]
pub(in crate::transport) struct Rendezvous {
    shared: Arc<AcceptorState>,
    acceptor: Option<JoinHandle<()>>,
}

impl Rendezvous {
    /// Opens a rendezvous. It has three descriptors and a thread, and one more descriptor for each process that has
    /// not said hello.
    pub(in crate::transport) fn open() -> Result<Self, Error> {
        // ipc-channel does not repeat some of these calls after a signal.
        sys::without_signals(Self::try_open).map_err(|reason| RunErrorKind::NoWorker(reason).into())
    }

    fn try_open() -> Result<Self, String> {
        let relay = Relay::open()?;
        let text = |error: io::Error| {
            let reason = resources::refused(&error);
            format!("a rendezvous cannot be made: {reason}")
        };
        let shared = Arc::new(AcceptorState::new().map_err(text)?);
        let acceptor = Acceptor::new(relay, shared.clone());
        let acceptor = thread::spawn("ampeg accept", move || acceptor.run()).map_err(text)?;
        Ok(Self {
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Starts a process that must connect. `on_arrival` is called if the process says hello, in the thread of this
    /// rendezvous, so it must not wait or drop the rendezvous.
    ///
    /// If a process ends right after its hello, its watcher may report the end before `on_arrival` is called.
    /// `on_arrival` is dropped without a call if this fails, if the process is forgotten first, or with the
    /// rendezvous.
    pub(in crate::transport) fn start(
        &self,
        start: impl FnOnce(Invitation) -> io::Result<Process>,
        on_arrival: impl FnOnce(Result<Arrival, String>) + Send + 'static,
    ) -> io::Result<Process> {
        let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
        let (ours, its) = socketpair(AddressFamily::UNIX, kind, flags, None)?;
        // A worker that reads its stdin finds it empty.
        shutdown(&ours, Shutdown::Write)?;
        let invitation = Invitation {
            address: std::process::id().to_string(),
            stdin: Stdio::from(its),
        };
        let process = start(invitation)?;
        self.shared
            .expect(process.pid(), ours, Box::new(on_arrival));
        Ok(process)
    }

    /// Stops expecting a hello of a process that has ended or will end. Does nothing if none is expected.
    pub(in crate::transport) fn forget(&self, pid: u32) {
        self.shared.forget(pid);
    }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(acceptor) = self.acceptor.take() {
            // If the thread panicked, its message was printed.
            let _ = acceptor.join();
        }
    }
}

/// Says hello to the coordinator that started this process, and replaces stdin by an empty file.
pub(in crate::transport) fn say(address: &str, hello: Hello) -> Result<(), String> {
    check_parent(address)?;
    let message = write_hello(hello)?;
    message
        .send(rustix::stdio::stdin())
        .map_err(|error| format!("it cannot reach its coordinator: {error}"))?;
    // If the file cannot be opened, stdin stays a socket that returns no bytes.
    if let Ok(null) = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        rustix::stdio::dup2_stdin(null).map_err(|error| error.to_string())?;
    }
    Ok(())
}
