//! Names of signals, and their usual causes.

/// The name of a signal, with its usual cause, in brackets; empty if this system has no signal with this number.
#[cfg(unix)]
pub(crate) fn signal_name(signal: i32) -> String {
    let known = SIGNALS.iter().find(|(number, ..)| *number == signal);
    if let Some((_, name, cause)) = known {
        let comma = if cause.is_empty() { "" } else { ", " };
        return format!(" ({name}{comma}{cause})");
    }
    #[cfg(target_os = "linux")]
    {
        let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
        if (first..=last).contains(&signal) {
            return format!(" (SIGRTMIN+{}, a real-time signal)", signal - first);
        }
        // The C library uses the signals below `SIGRTMIN` itself.
        if (32..first).contains(&signal) {
            return " (a real-time signal of the C library)".into();
        }
    }
    String::new()
}

/// Other systems have no signals.
#[cfg(not(unix))]
pub(crate) fn signal_name(_: i32) -> String {
    String::new()
}

/// All signals but the real-time ones.
#[cfg(unix)]
const SIGNALS: &[(i32, &str, &str)] = &[
    (libc::SIGHUP, "SIGHUP", "its terminal is gone"),
    (libc::SIGINT, "SIGINT", "interrupted from outside"),
    (libc::SIGQUIT, "SIGQUIT", ""),
    (libc::SIGILL, "SIGILL", "illegal instruction"),
    (libc::SIGTRAP, "SIGTRAP", "breakpoint"),
    (libc::SIGABRT, "SIGABRT", "abort"),
    (
        libc::SIGBUS,
        "SIGBUS",
        "a mapped file was cut short, its disk is full, or memory is faulty or misaligned",
    ),
    (libc::SIGFPE, "SIGFPE", "arithmetic exception"),
    (
        libc::SIGKILL,
        "SIGKILL",
        "killed from outside or out of memory",
    ),
    (libc::SIGUSR1, "SIGUSR1", "sent by some program"),
    (
        libc::SIGSEGV,
        "SIGSEGV",
        "invalid memory access or stack overflow",
    ),
    (libc::SIGUSR2, "SIGUSR2", "sent by some program"),
    (
        libc::SIGPIPE,
        "SIGPIPE",
        "nobody reads the pipe or connection that it wrote to",
    ),
    (libc::SIGALRM, "SIGALRM", "its alarm clock"),
    (libc::SIGTERM, "SIGTERM", "ended from outside"),
    #[cfg(target_os = "linux")]
    (libc::SIGSTKFLT, "SIGSTKFLT", ""),
    (libc::SIGCHLD, "SIGCHLD", ""),
    (libc::SIGCONT, "SIGCONT", ""),
    (libc::SIGSTOP, "SIGSTOP", ""),
    (libc::SIGTSTP, "SIGTSTP", ""),
    (libc::SIGTTIN, "SIGTTIN", ""),
    (libc::SIGTTOU, "SIGTTOU", ""),
    (libc::SIGURG, "SIGURG", ""),
    (libc::SIGXCPU, "SIGXCPU", "processor time limit"),
    (libc::SIGXFSZ, "SIGXFSZ", "file size limit"),
    (libc::SIGVTALRM, "SIGVTALRM", "its timer of processor time"),
    (libc::SIGPROF, "SIGPROF", "its timer for profiling"),
    (libc::SIGWINCH, "SIGWINCH", ""),
    (libc::SIGIO, "SIGIO", ""),
    #[cfg(target_os = "linux")]
    (libc::SIGPWR, "SIGPWR", "the power fails"),
    (
        libc::SIGSYS,
        "SIGSYS",
        "a sandbox, such as a seccomp filter, denies a system call that it made",
    ),
];

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_name() {
        for signal in 1..=libc::SIGRTMAX() {
            let name = signal_name(signal);
            assert!(name.starts_with(" (") && name.ends_with(')'), "{signal}");
        }
        assert_eq!(signal_name(libc::SIGRTMAX() + 1), "");
        assert_eq!(signal_name(0), "");
    }

    #[test]
    fn usual_causes_are_named() {
        assert!(signal_name(libc::SIGBUS).starts_with(" (SIGBUS, a mapped file was cut short"));
        assert!(signal_name(libc::SIGSYS).contains("sandbox"));
        assert_eq!(signal_name(libc::SIGQUIT), " (SIGQUIT)");
        assert_eq!(
            signal_name(libc::SIGRTMIN() + 3),
            " (SIGRTMIN+3, a real-time signal)"
        );
    }
}
