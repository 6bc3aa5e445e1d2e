//! Starts, watches and stops the child processes that workers live in.

use crate::pool::caller::Caller;
use crate::sys;
use crate::transport::Exit;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The variable that makes a process of this executable a worker.
pub(crate) const VARIABLE: &str = "AMPEG_WORKER";
/// The variable that tells it how many pools its tasks are inside of.
pub(crate) const DEPTH: &str = "AMPEG_WORKER_DEPTH";

/// A child process; it never outlives this handle, nor stays behind as a zombie.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when the process has ended, and when its stderr has.
    news: Condvar,
}

#[derive(Debug)]
struct State {
    child: Child,
    exit: Option<Exit>,
    /// The end of its stderr so far.
    stderr: VecDeque<u8>,
    stderr_ended: bool,
}

/// How much of a worker's stderr is kept.
const TAIL: usize = 16 * 1024;
/// How long to wait for the end of a dead worker's stderr, which its own children may hold open.
const LAST_WORDS: Duration = Duration::from_millis(100);

impl Process {
    /// Starts this executable again, as a worker that is told how to connect by `invitation`.
    ///
    /// Fails if this process was meant as a worker itself and became none: it would start others without end.
    pub(crate) fn start(invitation: &str) -> io::Result<Self> {
        if std::env::var_os(VARIABLE).is_some() && !sys::has_raised_privileges() {
            return Err(io::Error::other(
                "this process was started as a worker itself; without the feature `before-main`, \
                 a program calls `ampeg::worker_process::enter()` first in `main`",
            ));
        }
        let mut command = Command::new(executable()?);
        name_like_this_process(&mut command);
        // Tasks may look at the arguments of their program.
        command.args(std::env::args_os().skip(1));
        let depth = Caller::here().depth.saturating_add(1);
        Self::spawn(
            command
                .env(VARIABLE, invitation)
                .env(DEPTH, depth.to_string()),
        )
    }

    fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        let process = Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    child,
                    exit: None,
                    stderr: VecDeque::new(),
                    stderr_ended: false,
                }),
                news: Condvar::new(),
            }),
        };
        if let Some(stderr) = stderr {
            let forwarded = process.clone();
            let forward = thread::Builder::new().name("ampeg stderr".into());
            if let Err(error) = forward.spawn(move || forwarded.forward(stderr)) {
                process.kill();
                return Err(error);
            }
        }
        Ok(process)
    }

    /// Passes on what the process writes to stderr, and keeps the end of it.
    fn forward(&self, mut stderr: ChildStderr) {
        let mut buffer = [0; TAIL];
        while let Ok(length @ 1..) = stderr.read(&mut buffer) {
            // If this process's own stderr is closed, there is nobody to tell.
            let _ = io::stderr().write_all(&buffer[..length]);
            let tail = &mut self.lock().stderr;
            tail.extend(&buffer[..length]);
            let excess = tail.len().saturating_sub(TAIL);
            tail.drain(..excess);
        }
        self.lock().stderr_ended = true;
        self.shared.news.notify_all();
    }

    /// Waits in a thread of its own for the process to end, and then tells.
    pub(crate) fn watch(&self, tell: impl FnOnce(Exit) + Send + 'static) -> io::Result<()> {
        let process = self.clone();
        let watch = thread::Builder::new().name("ampeg watch".into());
        watch.spawn(move || tell(process.wait()))?;
        Ok(())
    }

    /// How it ended, if it has; not to be asked once somebody watches it.
    pub(crate) fn exit(&self) -> Option<Exit> {
        let mut state = self.lock();
        if state.exit.is_none() {
            state.exit = state.child.try_wait().ok().flatten().map(exit_of);
            if state.exit.is_some() {
                self.shared.news.notify_all();
            }
        }
        state.exit.clone()
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
            .news
            .wait_timeout_while(state, patience, running);
        let timed_out = waited.is_ok_and(|(state, _)| state.exit.is_none());
        if timed_out {
            self.kill();
            let state = self.lock();
            drop(self.shared.news.wait_while(state, running));
        }
    }

    /// Waits until it has ended, without holding the lock, and takes it off the process table.
    fn wait(&self) -> Exit {
        let pid = self.lock().child.id();
        wait_unreaped(pid);
        let mut state = self.lock();
        if state.exit.is_none() {
            state.exit = Some(state.child.wait().map_or_else(|_| Exit::default(), exit_of));
        }
        self.shared.news.notify_all();
        let silent = |state: &mut State| !state.stderr_ended;
        let waited = self
            .shared
            .news
            .wait_timeout_while(state, LAST_WORDS, silent);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let stderr: Vec<u8> = state.stderr.iter().copied().collect();
        Exit {
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            ..state.exit.clone().unwrap_or_default()
        }
    }

    /// A process that is no worker.
    #[cfg(test)]
    pub(crate) fn other(program: &str, argument: &str) -> io::Result<Self> {
        Self::spawn(Command::new(program).arg(argument))
    }

    #[cfg(test)]
    pub(crate) fn pid(&self) -> u32 {
        self.lock().child.id()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

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
        stderr: String::new(),
    }
}

#[cfg(not(unix))]
fn exit_of(status: ExitStatus) -> Exit {
    Exit {
        signal: None,
        code: status.code(),
        stderr: String::new(),
    }
}

/// This very executable, even if its file has been replaced since this process started.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn executable() -> io::Result<PathBuf> {
    Ok("/proc/self/exe".into())
}

/// The file that this executable was started from.
#[cfg(not(target_os = "linux"))]
fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Lets lists of processes show the usual name.
fn name_like_this_process(command: &mut Command) {
    #[cfg(unix)]
    if let Some(name) = std::env::args_os().next() {
        std::os::unix::process::CommandExt::arg0(command, name);
    }
    #[cfg(not(unix))]
    let _ = command;
}
