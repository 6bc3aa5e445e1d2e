//! Properties of this process and changes to them: privileges, name, environment, output, forks, exit.

use std::ffi::OsStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this process runs with privileges that its caller does not have, as a set-user-ID program does.
///
/// Such a process must not trust the environment that its caller set.
#[cfg(target_os = "linux")]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: `getauxval` reads what the kernel gave the process at its start, and has no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Like on Linux, by comparing real and effective ids.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: these four calls cannot fail and have no preconditions.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

/// Other systems have no such privileges.
#[cfg(not(unix))]
pub(crate) fn has_raised_privileges() -> bool {
    false
}

/// How the real and effective ids of this process differ, if they do.
#[cfg(unix)]
pub(crate) fn different_ids() -> Option<&'static str> {
    // SAFETY: these four calls cannot fail and have no preconditions.
    let [user, effective_user, group, effective_group] = unsafe {
        [
            libc::getuid(),
            libc::geteuid(),
            libc::getgid(),
            libc::getegid(),
        ]
    };
    if user != effective_user {
        return Some("its real and effective user ids differ");
    }
    (group != effective_group).then_some("its real and effective group ids differ")
}

/// Other systems have no such ids.
#[cfg(not(unix))]
pub(crate) fn different_ids() -> Option<&'static str> {
    None
}

/// Whether this process has changed its ids since its start, and may gain privileges by starting a program.
#[cfg(target_os = "linux")]
pub(crate) fn may_regain_privileges() -> bool {
    // SAFETY: `getauxval` reads what the kernel gave the process at its start. It and these two calls have no
    // preconditions. This query of `prctl` takes zeros, and changes nothing.
    unsafe {
        let is_changed = libc::getauxval(libc::AT_EUID) != libc::c_ulong::from(libc::geteuid())
            || libc::getauxval(libc::AT_EGID) != libc::c_ulong::from(libc::getegid());
        is_changed && libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0
    }
}

/// Sets the name of this process in lists of processes, which show its first 15 bytes.
pub(crate) fn show_name(name: &str) {
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::ffi::CString::new(name) {
        // SAFETY: the text ends with a zero, and the system only reads it.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// The number of forks that led from the process that first called [`count_forks`] to this one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Makes each later fork increase [`forks`] in the child.
pub(crate) fn count_forks() {
    #[cfg(unix)]
    {
        extern "C" fn in_child() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: the handler only adds to an atomic number, which it may do in a child that has one thread left.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        });
    }
}

/// A number that differs between a process and one that it has forked.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Makes C's stdout write each complete line at once, as on a terminal.
pub(crate) fn write_lines_of_c() {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    // SAFETY: `stdout` is an open stream. No buffer is passed, so only the times of writing change.
    unsafe {
        libc::setvbuf(c_stdout(), std::ptr::null_mut(), libc::_IOLBF, 0);
    }
}

/// Flushes C's stdout.
pub(crate) fn flush_c_output() {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    // SAFETY: `stdout` is an open stream with its own lock. Only `unsafe` code of a task can close it, and no code of
    // the process may use it after that.
    unsafe {
        libc::fflush(c_stdout());
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn c_stdout() -> *mut libc::FILE {
    unsafe extern "C" {
        #[cfg_attr(target_os = "macos", link_name = "__stdoutp")]
        static mut stdout: *mut libc::FILE;
    }
    // SAFETY: the C library sets it before any code of ours runs.
    unsafe { stdout }
}

/// Removes a variable from the environment.
///
/// Must be called before `main`, while this is the only thread.
pub(crate) fn remove_variable(name: impl AsRef<OsStr>) {
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::remove_var(name) }
}

/// Closes every descriptor from 3 on, like a library that turns its process into a daemon.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn close_all_descriptors() {
    let open = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    let numbers = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for number in numbers
        .filter(|&number: &i32| number > 2)
        .collect::<Vec<_>>()
    {
        // SAFETY: this is as unsound as the code that it imitates: owners of these descriptors find them closed. The
        // worker ends as soon as it notices.
        unsafe {
            libc::close(number);
        }
    }
}

/// Makes the command's process the leader of a new process group, to which all processes that it starts belong.
pub(crate) fn lead_group(command: &mut std::process::Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Kills all processes of the group that a process leads, if it leads one.
///
/// The caller must not have waited for the leader yet, because the system could then give its id to another process.
pub(crate) fn kill_group_of(leader: u32) {
    #[cfg(unix)]
    if let Some(leader) = i32::try_from(leader)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // The call fails if there is no such group.
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = leader;
}

/// Ends this process at once, as [`exit_now`] does, and with it the process group that it leads, if it leads one.
pub(crate) fn exit_with_group(code: i32) -> ! {
    kill_group_of(std::process::id());
    exit_now(code)
}

/// Ends this process at once: no destructor and no exit handler runs, even if other threads are running.
pub(crate) fn exit_now(code: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: `_exit` may be called from any thread at any time, and does not return.
    unsafe {
        libc::_exit(code)
    }
    #[cfg(not(unix))]
    std::process::exit(code)
}
