//! How a process of this program becomes a worker before `main`.
//!
//! A worker is the same executable, started again with [`VARIABLE`](crate::process::VARIABLE) set.
//! A constructor sees the variable and never returns, so that nothing needs to be called first,
//! and `graph!` works in binaries, examples, tests and doc tests alike.

use crate::process::VARIABLE;
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
pub fn enter() {
    if let Some(invitation) = std::env::var_os(VARIABLE)
        && !sys::has_raised_privileges()
    {
        sys::remove_variable(VARIABLE);
        let code = catch_unwind(AssertUnwindSafe(|| become_worker(&invitation))).unwrap_or(101);
        std::process::exit(code);
    }
}

fn become_worker(invitation: &OsStr) -> i32 {
    sys::ignore_signals();
    match IpcLink::connect(&invitation.to_string_lossy()) {
        Ok(mut link) => {
            work(&mut link);
            0
        }
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
