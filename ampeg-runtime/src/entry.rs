//! How a process of this program becomes a worker before `main`.
//!
//! A worker is the same executable, started again with [`VARIABLE`](crate::process::VARIABLE) set.
//! A constructor sees the variable and never returns, so that nothing needs to be called first,
//! and `graph!` works in binaries, examples, tests and doc tests alike.

use crate::caller::Caller;
use crate::process::{DEPTH, VARIABLE};
use crate::sys;
use crate::transport::ipc::link::IpcLink;
use crate::worker::work;
use std::ffi::OsStr;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Becomes a worker, and never returns, if this process was started as one; else does nothing.
///
/// With the cargo feature `before-main`, which is on by default, this happens by itself before `main`.
/// Without it, call this first in `main`, before any other thread runs.
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
    if let Some(invitation) = std::env::var_os(VARIABLE)
        && !sys::has_raised_privileges()
    {
        let depth = std::env::var(DEPTH)
            .ok()
            .and_then(|depth| depth.parse().ok());
        // Neither is for the programs that tasks start.
        sys::remove_variable(VARIABLE);
        sys::remove_variable(DEPTH);
        Caller::enter_process(depth.unwrap_or(1));
        let code = catch_unwind(AssertUnwindSafe(|| become_worker(&invitation))).unwrap_or(101);
        std::process::exit(code);
    }
}

fn become_worker(invitation: &OsStr) -> i32 {
    sys::survive_signals();
    sys::write_lines_of_c();
    sys::keep_freed_memory();
    let worked = IpcLink::connect(&invitation.to_string_lossy());
    match worked.and_then(|mut link| work(&mut link)) {
        Ok(()) => 0,
        Err(error) => {
            // With stderr closed there is nobody to tell.
            let _ = writeln!(
                std::io::stderr(),
                "ampeg: this process cannot be a worker: {error}"
            );
            102
        }
    }
}

#[cfg(feature = "before-main")]
#[allow(
    unsafe_code,
    reason = "the constructor: its place before `main` is what needs care"
)]
mod before_main {
    // SAFETY: the standard library works before `main` on the platforms that `ctor` supports, as far as it is used
    // here: environment, threads, files and sockets. A panic does not leave `enter`. `naked`: it runs after other
    // constructors of the program, such as those of `inventory`, so that tasks find what these set up.
    #[ctor::ctor(unsafe, naked)]
    fn enter() {
        super::enter();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::process::{Command, Output};
    use std::thread::yield_now;

    /// What this test program does with an invitation, if asked for the list of its tests.
    fn list_with(program: &std::path::Path, invitation: &str) -> Output {
        let mut command = Command::new(program);
        command.arg("--list").env(VARIABLE, invitation);
        loop {
            match command.output() {
                // A process that another test starts in this moment may have inherited the file that was just copied.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => yield_now(),
                output => return output.unwrap(),
            }
        }
    }

    #[test]
    fn garbled_invitation_ends_the_process_with_a_message() {
        let program = std::env::current_exe().unwrap();
        for invitation in ["", "garbled", "1:2:3", "\u{fffd}"] {
            let output = list_with(&program, invitation);
            assert_eq!(output.status.code(), Some(102));
            let message = String::from_utf8(output.stderr).unwrap();
            assert!(
                message.starts_with("ampeg: this process cannot be a worker:"),
                "{message}"
            );
            assert!(output.stdout.is_empty(), "it must not reach `main`");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn process_with_raised_privileges_ignores_the_invitation() {
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
        let output = list_with(&program, "garbled");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("ignores_the_invitation")
        );
    }
}
