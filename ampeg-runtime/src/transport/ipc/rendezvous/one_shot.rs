//! The rendezvous on other systems: each start has its own server, which accepts the first client.

use super::super::parcel::guarded;
use super::{Arrival, Hello, Invitation, OnArrival, check_parent};
use crate::sys::thread;
use crate::transport::process::Process;
use ampeg_schedule::Error;
use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Starts worker processes and receives their hellos.
#[derive(Debug)]
pub(in crate::transport) struct Rendezvous(Arc<PendingProcesses>);

/// By process id: the processes that have not said hello.
#[derive(Default)]
struct PendingProcesses(Mutex<HashMap<u32, PendingProcess>>);

struct PendingProcess {
    server: String,
    on_arrival: OnArrival,
}

impl Rendezvous {
    /// Opens a rendezvous.
    #[allow(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
    pub(in crate::transport) fn open() -> Result<Self, Error> {
        Ok(Self(Arc::default()))
    }

    /// Starts a process that must connect. `on_arrival` is called if the process says hello, in a thread of its own.
    ///
    /// `on_arrival` is dropped without a call if this fails, if the process is forgotten first, or with the
    /// rendezvous.
    pub(in crate::transport) fn start(
        &self,
        start: impl FnOnce(Invitation) -> io::Result<Process>,
        on_arrival: impl FnOnce(Result<Arrival, String>) + Send + 'static,
    ) -> io::Result<Process> {
        // ipc-channel panics if the temporary folder is not writable.
        let (server, name) =
            guarded(IpcOneShotServer::<Hello>::new).map_err(io::Error::other)??;
        let process = start(Invitation {
            address: format!("{}:{name}", std::process::id()),
            stdin: Stdio::null(),
        })?;
        let pid = process.pid();
        let pending = PendingProcess {
            server: name,
            on_arrival: Box::new(on_arrival),
        };
        self.0.lock().insert(pid, pending);
        let processes = self.0.clone();
        let accept = move || {
            let hello = guarded(|| server.accept().map(|(_, hello)| hello));
            let hello = hello.and_then(|hello| hello.map_err(|error| error.to_string()));
            let pending = processes.lock().remove(&pid);
            if let Some(pending) = pending {
                let hello = hello.and_then(Hello::check);
                (pending.on_arrival)(hello.map(|hello| Arrival { hello }));
            }
        };
        if let Err(error) = thread::spawn("ampeg accept", accept) {
            self.0.lock().remove(&pid);
            process.kill();
            return Err(error);
        }
        Ok(process)
    }

    /// Stops expecting a hello of a process that has ended or will end. Does nothing if none is expected.
    pub(in crate::transport) fn forget(&self, pid: u32) {
        let pending = self.0.lock().remove(&pid);
        if let Some(pending) = pending {
            pending.dismiss();
        }
    }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        let processes: Vec<_> = self.0.lock().drain().collect();
        for (_, pending) in processes {
            pending.dismiss();
        }
    }
}

impl PendingProcesses {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, PendingProcess>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingProcess {
    /// Ends the thread that waits for a connection, by connecting to it.
    fn dismiss(self) {
        if let Ok(server) = IpcSender::<()>::connect(self.server) {
            // Nobody needs the answer.
            let _ = guarded(|| server.send(()));
        }
    }
}

impl fmt::Debug for PendingProcesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lock().keys()).finish()
    }
}

/// Says hello to the coordinator that started this process.
pub(in crate::transport) fn say(address: &str, hello: Hello) -> Result<(), String> {
    check_parent(address)?;
    let (_, server) = address
        .split_once(':')
        .ok_or("the invitation names no server")?;
    let connection = IpcSender::connect(server.to_owned()).map_err(|error| error.to_string())?;
    guarded(|| connection.send(hello))?.map_err(|error| error.to_string())
}
