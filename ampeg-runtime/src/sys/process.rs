//! What a process says of itself and does to itself: privileges, signals, environment, exit.

use std::ffi::OsStr;

/// Whether this process runs with privileges that its caller does not have, as a set-user-ID program does.
///
/// Such a process must not do what its caller's environment says.
#[cfg(target_os = "linux")]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: `getauxval` reads what the kernel told the process at its start, and has no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// As on Linux, by comparing real and effective ids.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn has_raised_privileges() -> bool {
    // SAFETY: these four cannot fail and have no preconditions.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

/// There is no such thing elsewhere.
#[cfg(not(unix))]
pub(crate) fn has_raised_privileges() -> bool {
    false
}

/// How the real and effective ids of this process differ, if they do.
#[cfg(unix)]
pub(crate) fn different_ids() -> Option<&'static str> {
    // SAFETY: these four cannot fail and have no preconditions.
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

/// There is no such thing elsewhere.
#[cfg(not(unix))]
pub(crate) fn different_ids() -> Option<&'static str> {
    None
}

/// Whether this process has other ids than at its start, and may gain privileges by starting a program.
#[cfg(target_os = "linux")]
pub(crate) fn may_regain_privileges() -> bool {
    // SAFETY: `getauxval` reads what the kernel told the process at its start; it and these two have no
    // preconditions. This question to `prctl` takes zeros, and changes nothing.
    unsafe {
        let is_changed = libc::getauxval(libc::AT_EUID) != libc::c_ulong::from(libc::geteuid())
            || libc::getauxval(libc::AT_EGID) != libc::c_ulong::from(libc::getegid());
        is_changed && libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0
    }
}

/// Leaves Ctrl-C to the caller, and makes writing to a closed channel an error instead of the end.
pub(crate) fn ignore_signals() {
    #[cfg(unix)]
    for signal in [libc::SIGINT, libc::SIGPIPE] {
        // SAFETY: ignoring a signal installs no handler, so that no code can run at the wrong time.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

/// Removes a variable from the environment.
///
/// Only called before `main`, when this is the only thread.
pub(crate) fn remove_variable(name: impl AsRef<OsStr>) {
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::remove_var(name) }
}

/// Closes every descriptor from 3 on, as a library does that makes a daemon of its process.
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
        // SAFETY: as unsound as what it stands for: owners of these descriptors find them closed. This worker ends
        // as soon as it notices.
        unsafe {
            libc::close(number);
        }
    }
}

/// Ends this process at once: no destructor and no exit handler runs, whatever other threads are doing.
pub(crate) fn exit_now(code: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: `_exit` may be called from any thread at any time, and does not return.
    unsafe {
        libc::_exit(code)
    }
    #[cfg(not(unix))]
    std::process::exit(code)
}
