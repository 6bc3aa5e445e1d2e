//! Starts, watches and stops the child processes that workers live in.

use crate::transport::Exit;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The variable that makes a process of this executable a worker.
pub(crate) const VARIABLE: &str = "AMPEG_WORKER";

/// A child process; it never outlives this handle, nor stays behind as a zombie.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    child: Mutex<State>,
    exited: Condvar,
}

#[derive(Debug)]
struct State {
    child: Child,
    exit: Option<Exit>,
}

impl Process {
    /// Starts this executable again, as a worker that is told how to connect by `invitation`.
    pub(crate) fn start(invitation: &str) -> io::Result<Self> {
        let child = command()?
            .env(VARIABLE, invitation)
            .stdin(Stdio::null())
            .spawn()?;
        let child = Mutex::new(State { child, exit: None });
        let exited = Condvar::new();
        Ok(Self {
            shared: Arc::new(Shared { child, exited }),
        })
    }

    /// Waits in a thread of its own for the process to end, and then tells.
    pub(crate) fn watch(&self, tell: impl FnOnce(Exit) + Send + 'static) -> io::Result<()> {
        let process = self.clone();
        let watch = std::thread::Builder::new().name("ampeg watch".into());
        watch.spawn(move || tell(process.wait()))?;
        Ok(())
    }

    /// How it ended, if it has; not to be asked once somebody watches it.
    pub(crate) fn exit(&self) -> Option<Exit> {
        let mut state = self.lock();
        if state.exit.is_none() {
            state.exit = state.child.try_wait().ok().flatten().map(exit_of);
            if state.exit.is_some() {
                self.shared.exited.notify_all();
            }
        }
        state.exit
    }

    /// Ends it at once; one that has ended is left alone, so that no other process with its number is hit.
    pub(crate) fn kill(&self) {
        let mut state = self.lock();
        if state.exit.is_none() {
            // It may have ended in this moment; then there is nothing left to kill.
            let _ = state.child.kill();
        }
    }

    /// Gives it some time to end by itself, then ends it; returns when it is gone.
    ///
    /// Somebody must `watch` it.
    pub(crate) fn end(&self, patience: Duration) {
        let running = |state: &mut State| state.exit.is_none();
        let state = self.lock();
        let waited = self
            .shared
            .exited
            .wait_timeout_while(state, patience, running);
        let timed_out = waited.is_ok_and(|(state, _)| state.exit.is_none());
        if timed_out {
            self.kill();
            let state = self.lock();
            drop(self.shared.exited.wait_while(state, running));
        }
    }

    #[cfg(test)]
    pub(crate) fn pid(&self) -> u32 {
        self.lock().child.id()
    }

    /// Waits until it has ended, without holding the lock, and takes it off the process table.
    fn wait(&self) -> Exit {
        let pid = self.lock().child.id();
        wait_unreaped(pid);
        let mut state = self.lock();
        let exit = match state.exit {
            Some(exit) => exit,
            None => state.child.wait().map_or(UNKNOWN, exit_of),
        };
        state.exit = Some(exit);
        self.shared.exited.notify_all();
        exit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

const UNKNOWN: Exit = Exit {
    signal: None,
    code: None,
};

/// Waits until a child has ended, but leaves it on the process table, so that its number cannot be given anew.
#[cfg(unix)]
fn wait_unreaped(pid: u32) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), ended).is_err_and(|error| error == rustix::io::Errno::INTR) {}
}

/// Elsewhere the wait that follows does it all.
#[cfg(not(unix))]
fn wait_unreaped(_: u32) {}

#[cfg(unix)]
fn exit_of(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    Exit {
        signal: status.signal(),
        code: status.code(),
    }
}

#[cfg(not(unix))]
fn exit_of(status: ExitStatus) -> Exit {
    Exit {
        signal: None,
        code: status.code(),
    }
}

/// This very executable, even if its file has been replaced since this process started.
#[cfg(target_os = "linux")]
fn command() -> io::Result<Command> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(std::env::args_os().next().unwrap_or_else(|| "ampeg".into()));
    Ok(command)
}

/// The file that this executable was started from.
#[cfg(not(target_os = "linux"))]
fn command() -> io::Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}
