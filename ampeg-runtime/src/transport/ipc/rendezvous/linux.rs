//! The rendezvous on Linux, for the coordinator and for a worker.
//!
//! A worker process gets one end of a pair of sockets as its stdin. Nothing of it has a name, so that nobody else can
//! connect, and nothing is left of a program that is killed.

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

/// Where new worker processes come to.
#[derive(Debug)]
pub(in crate::transport) struct Rendezvous {
    shared: Arc<AcceptorState>,
    acceptor: Option<JoinHandle<()>>,
}

impl Rendezvous {
    /// Opens one; it holds three descriptors and a thread, and one more for each process that has not said hello.
    pub(in crate::transport) fn open() -> Result<Self, Error> {
        // Some of these calls, made by ipc-channel, cannot be done again once they are interrupted.
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

    /// Starts a process that is to connect; `on_arrival` is called if it says hello, in the thread of this rendezvous, and so
    /// must neither wait for anything nor drop the rendezvous.
    ///
    /// A process that ends right after its hello may be reported as gone by its watcher before `on_arrival` is called.
    /// `on_arrival` is dropped without a call if this fails, if the process is forgotten before, or with the rendezvous.
    pub(in crate::transport) fn start(
        &self,
        start: impl FnOnce(Invitation) -> io::Result<Process>,
        on_arrival: impl FnOnce(Result<Arrival, String>) + Send + 'static,
    ) -> io::Result<Process> {
        let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
        let (ours, its) = socketpair(AddressFamily::UNIX, kind, flags, None)?;
        // Who reads its stdin reads nothing.
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

    /// Hears a process no more that has ended or is to end; one that is not expected is left alone.
    pub(in crate::transport) fn forget(&self, pid: u32) {
        self.shared.forget(pid);
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

/// Says hello to the coordinator that started this process, and leaves it an empty stdin.
pub(in crate::transport) fn say(address: &str, hello: Hello) -> Result<(), String> {
    check_parent(address)?;
    let message = write_hello(hello)?;
    message
        .send(rustix::stdio::stdin())
        .map_err(|error| format!("it cannot reach its coordinator: {error}"))?;
    // Without that file, stdin stays one that cannot be read.
    if let Ok(null) = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        rustix::stdio::dup2_stdin(null).map_err(|error| error.to_string())?;
    }
    Ok(())
}
