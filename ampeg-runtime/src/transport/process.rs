//! Starts, watches and ends the child processes of workers.
//!
//! Each process has a watcher: a thread that waits for the end of the process and reports the end once. If the
//! program ignores SIGCHLD or waits for all children itself, the watcher's wait fails after the end of the process,
//! and the cause of the end is unknown.

use crate::base::clock::Timestamp;
use crate::run::caller::Caller;
use crate::run::cluster::Exit;
use crate::sys::{self, thread};
use crate::transport::output::{Source, Target, WorkerOutput};
use crate::transport::setup::Setup;
use crate::transport::start;
use crate::transport::start::invitation::{Invitation, VARIABLE};
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A child process. When it ends, its watcher removes it from the process table.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    shared: Arc<ProcessState>,
}

#[derive(Debug)]
struct ProcessState {
    pid: u32,
    state: Mutex<State>,
    /// Notified when the process has ended.
    news: Condvar,
}

#[derive(Debug)]
struct State {
    child: Child,
    is_gone: bool,
    stderr: Option<Source>,
}

impl Process {
    /// Starts this executable again, as a worker that connects to its coordinator at this address.
    ///
    /// `on_exit` is called once when the process has ended, from the thread that waits for the end. It is never
    /// called if this fails.
    ///
    /// Fails if the process could not become a worker: it would run `main`, which would start more processes without
    /// end.
    pub(crate) fn start(
        (address, stdin): (&str, Stdio),
        setup: &Setup,
        output: &WorkerOutput,
        on_exit: impl FnOnce(Exit) + Send + 'static,
    ) -> io::Result<Self> {
        start::check().map_err(io::Error::other)?;
        let depth = Caller::here().depth.saturating_add(1);
        let invitation = Invitation::new(depth, address)
            .ok_or_else(|| io::Error::other("this crate is not part of the executable"))?;
        let mut command = Command::new(start::executable()?);
        name_like_this_process(&mut command);
        // Tasks may read the arguments of their program.
        command.args(std::env::args_os().skip(1));
        command.envs(setup.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &setup.directory {
            command.current_dir(directory);
        }
        command.env(VARIABLE, invitation.write()).stdin(stdin);
        if setup.leads_group {
            sys::lead_group(&mut command);
        }
        Self::spawn(&mut command, output, on_exit)
    }

    /// Starts any program, and passes on its output.
    pub(crate) fn spawn(
        command: &mut Command,
        output: &WorkerOutput,
        on_exit: impl FnOnce(Exit) + Send + 'static,
    ) -> io::Result<Self> {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let process = Self {
            shared: Arc::new(ProcessState {
                pid: child.id(),
                state: Mutex::new(State {
                    child,
                    is_gone: false,
                    stderr: None,
                }),
                news: Condvar::new(),
            }),
        };
        if let Err(error) = process.serve(output, on_exit) {
            let child = &mut process.lock().child;
            // Nobody watches this process. If other code has waited for it, these calls fail, and it is gone, too.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(process)
    }

    /// Passes on the output of the process, and starts the thread that waits for its end.
    fn serve(
        &self,
        output: &WorkerOutput,
        on_exit: impl FnOnce(Exit) + Send + 'static,
    ) -> io::Result<()> {
        let mut sources = Vec::new();
        {
            let mut state = self.lock();
            if let Some(stdout) = state.child.stdout.take() {
                sources.push(output.add(Target::Stdout, stdout)?);
            }
            if let Some(stderr) = state.child.stderr.take() {
                let source = output.add(Target::Stderr, stderr)?;
                state.stderr = Some(source.clone());
                sources.push(source);
            }
        }
        let watched = self.clone();
        thread::spawn("ampeg watch", move || on_exit(watched.watch(&sources)))?;
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.shared.pid
    }

    /// Ends the process at once. Does nothing after its end, so that no other process with the same id is killed.
    pub(crate) fn kill(&self) {
        let mut state = self.lock();
        if !state.is_gone {
            // The process may have ended just now. Then there is nothing to kill.
            let _ = state.child.kill();
            sys::kill_group_of(self.shared.pid);
        }
    }

    /// Lets all these processes end by themselves until the deadline, and then kills the rest. Returns when all are
    /// gone.
    pub(crate) fn end_all<'a>(processes: impl IntoIterator<Item = &'a Self>, deadline: Instant) {
        let mut left: Vec<_> = processes.into_iter().collect();
        left.retain(|process| !process.is_gone_by(deadline));
        for process in &left {
            process.kill();
        }
        for process in left {
            let state = process.lock();
            let present = |state: &mut State| !state.is_gone;
            drop(process.shared.news.wait_while(state, present));
        }
    }

    /// Whether the process has ended, or ends before the deadline.
    fn is_gone_by(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let present = |state: &mut State| !state.is_gone;
        let waited = self
            .shared
            .news
            .wait_timeout_while(self.lock(), left, present);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_gone
    }

    /// Waits for the end of the process without holding the lock, and removes it from the process table.
    fn watch(&self, sources: &[Source]) -> Exit {
        let exit = self.wait();
        let mut state = self.lock();
        if exit.signal.is_some() || exit.code.is_some() {
            // The process is still in the process table, so no other process has its id.
            sys::kill_group_of(self.shared.pid);
        }
        // If other code has removed it from the table meanwhile, there is nothing to do.
        let _ = state.child.try_wait();
        state.is_gone = true;
        self.shared.news.notify_all();
        drop(state);
        sources.iter().for_each(Source::end);
        exit
    }

    /// The end of the process's stderr, without text that it certainly wrote before this time.
    pub(crate) fn stderr_since(&self, start: Timestamp) -> String {
        let source = self.lock().stderr.clone();
        source.map_or_else(String::new, |source| source.tail_since(start))
    }

    /// Waits for the end of the process, but leaves it in the process table, so that the system cannot reuse its id.
    #[cfg(unix)]
    fn wait(&self) -> Exit {
        use rustix::io::Errno;
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let Some(pid) = i32::try_from(self.shared.pid).ok().and_then(Pid::from_raw) else {
            return Exit::default();
        };
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(pid), ended) {
                Ok(Some(status)) => {
                    return Exit {
                        signal: status.terminating_signal(),
                        code: status.exit_status(),
                        ..Exit::default()
                    };
                }
                Ok(None) | Err(Errno::INTR) => {}
                // The system or other code has removed it from the process table.
                Err(_) => return Exit::default(),
            }
        }
    }

    /// Polls, because a wait would block every thread that wants to end the process.
    #[cfg(not(unix))]
    fn wait(&self) -> Exit {
        loop {
            match self.lock().child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => {
                    return Exit {
                        code: status.code(),
                        ..Exit::default()
                    };
                }
                Err(_) => return Exit::default(),
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes lists of processes show the name of this process.
fn name_like_this_process(command: &mut Command) {
    #[cfg(unix)]
    if let Some(name) = std::env::args_os().next() {
        std::os::unix::process::CommandExt::arg0(command, name);
    }
    #[cfg(not(unix))]
    let _ = command;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::{Deadline, alone};
    use crate::transport::setup;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    fn run(program: &str, argument: &str) -> (Process, Receiver<Exit>) {
        let (on_exit, exits) = channel();
        let on_exit = move |exit| drop(on_exit.send(exit));
        let output = WorkerOutput::new(Box::new(|| ()), setup::Output::Inherited).unwrap();
        let process = Process::spawn(Command::new(program).arg(argument), &output, on_exit);
        (process.unwrap(), exits)
    }

    /// The exit, which must be reported exactly once.
    fn exit(exits: &Receiver<Exit>) -> Exit {
        let exit = exits.recv().unwrap();
        assert!(exits.recv().is_err(), "it is reported twice");
        exit
    }

    #[test]
    fn exit_is_reported_once() {
        let _deadline = Deadline::seconds("exit", 60);
        let (_, exits) = run("false", "");
        assert_eq!(exit(&exits).code, Some(1));
        let (process, exits) = run("sleep", "600");
        process.kill();
        assert_eq!(exit(&exits).signal, Some(9));
        process.kill();
        let (process, exits) = run("ls", "/no/such/file");
        assert!(exit(&exits).code.is_some());
        assert!(process.stderr_since(0).contains("/no/such/file"));
    }

    #[test]
    fn failed_start_is_an_error_and_reports_no_exit() {
        let (on_exit, exits) = channel();
        let on_exit = move |exit| drop(on_exit.send(exit));
        let output = WorkerOutput::new(Box::new(|| ()), setup::Output::Inherited).unwrap();
        let result = Process::spawn(&mut Command::new("/no/such/file"), &output, on_exit);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(exits.recv().is_err());
    }

    #[test]
    fn all_are_ended_by_one_deadline() {
        let _deadline = Deadline::seconds("end of all", 60);
        let processes: Vec<_> = (0..40).map(|_| run("sleep", "600")).collect();
        let (start, grace) = (Instant::now(), Duration::from_secs(1));
        let all = processes.iter().map(|(process, _)| process);
        Process::end_all(all, start + grace);
        let elapsed = start.elapsed();
        assert!(elapsed >= grace, "they had no time");
        assert!(elapsed < grace * 20, "each had a time of its own");
        for (process, exits) in processes {
            let folder = format!("/proc/{}", process.pid());
            assert!(!std::path::Path::new(&folder).exists());
            assert_eq!(exit(&exits).signal, Some(9));
        }
    }

    #[test]
    fn processes_that_end_by_themselves_are_not_waited_for_longer() {
        let _deadline = Deadline::seconds("end of one", 60);
        let (process, exits) = run("true", "");
        Process::end_all([&process], Instant::now() + Duration::from_secs(600));
        assert_eq!(exit(&exits).code, Some(0));
    }

    #[test]
    fn child_that_nobody_can_wait_for_is_gone_when_it_has_ended() {
        alone(
            module_path!(),
            "child_that_nobody_can_wait_for_is_gone_when_it_has_ended",
            &[],
            || {
                let _deadline = Deadline::seconds("ignored children", 60);
                sys::ignore_children();
                let (_, exits) = run("false", "");
                assert_eq!(exit(&exits), Exit::default());
                let (process, exits) = run("sleep", "600");
                Process::end_all([&process], Instant::now());
                assert_eq!(exit(&exits), Exit::default());
            },
        );
    }

    #[test]
    fn child_that_somebody_else_waits_for_is_gone_when_it_has_ended() {
        alone(
            module_path!(),
            "child_that_somebody_else_waits_for_is_gone_when_it_has_ended",
            &[],
            || {
                let _deadline = Deadline::seconds("reaped children", 60);
                std::thread::spawn(|| {
                    loop {
                        // The wait fails while there are no children.
                        let _ = rustix::process::wait(rustix::process::WaitOptions::empty());
                    }
                });
                for _ in 0..100 {
                    let (_, exits) = run("false", "");
                    let code = exit(&exits).code;
                    assert!(matches!(code, None | Some(1)), "{code:?}");
                    let (process, exits) = run("sleep", "600");
                    Process::end_all([&process], Instant::now());
                    let signal = exit(&exits).signal;
                    assert!(matches!(signal, None | Some(9)), "{signal:?}");
                }
            },
        );
    }
}
