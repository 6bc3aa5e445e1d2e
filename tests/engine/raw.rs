//! Actions that need unsafe calls: signal handlers as in C programs, and descriptors taken from their owners.

#![allow(
    unsafe_code,
    reason = "the tests do what tasks and programs of others do to this process"
)]

/// Does nothing, but interrupts the system call that is under way.
extern "C" fn interrupt(_: i32) {}

/// Sets a handler of SIGUSR1 without `SA_RESTART`, so that it interrupts calls.
pub(crate) fn handle_interrupts() {
    let handler: extern "C" fn(i32) = interrupt;
    // SAFETY: an action of zeros is a valid one, and the handler does nothing that a handler may not do.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(result, 0);
}

/// Interrupts every thread of this process; a signal to the process would mostly reach one that does nothing.
pub(crate) fn interrupt_all_threads() {
    let process = i32::try_from(std::process::id()).unwrap();
    for entry in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let thread: i32 = entry.file_name().to_str().unwrap().parse().unwrap();
        // SAFETY: the signal has a handler, and a thread that has ended is not found.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    }
}

/// Puts `/dev/null` in the place of all descriptors but the standard ones.
pub(crate) fn replace_descriptors() {
    // SAFETY: descriptors stay open; that they lead elsewhere is the point.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for descriptor in (3..64).filter(|&it| it != null) {
            libc::dup2(null, descriptor);
        }
    }
}

/// Closes all descriptors but the standard ones, as a program does that becomes a daemon.
pub(crate) fn close_descriptors() {
    for descriptor in 3..1000 {
        // SAFETY: it is what such programs do, and whoever owned one must bear it.
        unsafe { libc::close(descriptor) };
    }
}
