//! Turns a process of this program into a worker before `main`.
//!
//! A worker is the same executable, started again with an [`Invitation`] in its environment. A constructor finds the
//! invitation and never returns. So programs need no set-up call, and `graph!` works in binaries, examples, tests and
//! doc tests.

use crate::run::caller::Caller;
use crate::sys;
use crate::transport::ipc::is_from_parent;
use crate::transport::ipc::link::IpcLink;
use crate::transport::start::Stage;
use crate::transport::start::invitation::{Invitation, VARIABLE};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The beginning of the message of a process that cannot be a worker. The reason follows.
pub(crate) const CANNOT: &str = "ampeg: this process cannot be a worker: ";

/// Becomes a worker, and never returns, if this process was started as one; otherwise does nothing.
///
/// With the cargo feature `before-main`, which is on by default, this happens before `main`.
/// Without the feature, call this function first in `main`, before any other thread runs.
///
/// ```
/// fn main() -> Result<(), ampeg::Error> {
///     ampeg::worker_process::enter();
///     let outcome = ampeg::graph! { a = 1; b = a + 1; }.run(2)?;
///     assert_eq!(outcome.b, Ok(2));
///     Ok(())
/// }
/// ```
pub fn enter() {
    if let Some(invitation) = invitation() {
        accept(&invitation);
    }
}

/// Calls [`enter`] in the constructor. A worker never reaches `main`, so it first runs the constructors after this one.
#[cfg(feature = "before-main")]
pub(crate) fn before_main(arguments: sys::Arguments) {
    Stage::Ordinary.enter();
    if let Some(invitation) = invitation() {
        Stage::Becoming.enter();
        arguments.call_later_constructors();
        accept(&invitation);
    }
}

/// Takes the invitation of this process out of the environment; none if this process must not become a worker of this
/// copy of the crate.
fn invitation() -> Option<Invitation> {
    let invitation = Invitation::read(&std::env::var_os(VARIABLE)?)?;
    if !invitation.is_for_this_copy() {
        return None;
    }
    if sys::has_raised_privileges() {
        if is_from_parent(&invitation.address) {
            // The parent expects a worker. Running `main` instead would be useless.
            end("it has privileges that its caller does not have");
        }
        // Other callers of a privileged program must not be able to stop it with this variable.
        return None;
    }
    // The programs that tasks start must not find the invitation.
    sys::remove_variable(VARIABLE);
    Caller::enter_process(invitation.depth);
    Some(invitation)
}

fn accept(invitation: &Invitation) -> ! {
    Stage::Worker.enter();
    let worked = catch_unwind(AssertUnwindSafe(|| become_worker(&invitation.address)));
    match worked {
        // `exit` runs exit handlers, such as the one that writes the profile of a build with coverage.
        Ok(Ok(())) => std::process::exit(0),
        Ok(Err(reason)) => end(&reason),
        Err(_) => std::process::exit(101),
    }
}

fn become_worker(address: &str) -> Result<(), String> {
    sys::survive_signals();
    sys::write_lines_of_c();
    sys::keep_freed_memory();
    IpcLink::connect(address)?.work()
}

/// Ends this process, because it cannot be a worker.
fn end(reason: &str) -> ! {
    // The message is one write, because this process may be killed at any time. It is lost if stderr is closed.
    let _ = std::io::stderr().write_all(format!("{CANNOT}{reason}\n").as_bytes());
    std::process::exit(102)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::process::{Command, Output};
    use std::thread::yield_now;

    /// Lists the tests of a test program with an invitation in its environment. If the program becomes a worker,
    /// there is no list.
    fn list_with(program: &std::path::Path, invitation: &str) -> Output {
        let mut command = Command::new(program);
        command.arg("--list").env(VARIABLE, invitation);
        loop {
            match command.output() {
                // A process that another test starts at the same time may have inherited the copied file, open for
                // writing.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => yield_now(),
                output => return output.unwrap(),
            }
        }
    }

    #[test]
    fn invitation_of_a_stranger_ends_the_process_with_a_message() {
        let program = std::env::current_exe().unwrap();
        for address in ["", "garbled", "1:2:3", "0"] {
            let invitation = Invitation::new(1, address).unwrap().write();
            let output = list_with(&program, &invitation);
            assert_eq!(output.status.code(), Some(102));
            let message = String::from_utf8(output.stderr).unwrap();
            assert!(message.starts_with(CANNOT), "{message}");
            assert!(output.stdout.is_empty(), "it must not reach `main`");
        }
    }

    #[test]
    fn value_that_is_not_an_invitation_for_this_copy_is_ignored() {
        let program = std::env::current_exe().unwrap();
        for value in ["", "1", "garbled", "1:1:1", "ffffffffffffffff:1:1"] {
            let output = list_with(&program, value);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert!(!output.stdout.is_empty(), "it must reach `main`");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn process_with_raised_privileges_does_not_become_a_worker() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("raised");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let nobody = 65534;
        if chown(&program, Some(nobody), Some(nobody)).is_err() {
            println!("skipped: only root can make a program that runs with other privileges");
            return;
        }
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let raised = std::fs::Permissions::from_mode(0o4755);
        std::fs::set_permissions(&program, raised).unwrap();
        let invitation = |parent: u32| Invitation::new(1, &parent.to_string()).unwrap().write();
        let output = list_with(&program, &invitation(1));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(!output.stdout.is_empty(), "it must reach `main`");
        // The caller may expect a worker, and start more without end: `main` must not run.
        let output = list_with(&program, &invitation(std::process::id()));
        assert_eq!(output.status.code(), Some(102), "{output:?}");
        assert!(output.stdout.is_empty(), "it must not reach `main`");
    }
}
