//! Actions that need unsafe calls: signal handlers as in C programs, and descriptors taken from their owners.

#![allow(
    unsafe_code,
    reason = "the tests do what tasks and programs of others do to this process"
)]

/// Does nothing. Its call interrupts the current system call.
extern "C" fn interrupt(_: i32) {}

/// Sets a handler of SIGUSR1 without `SA_RESTART`, so that the signal interrupts system calls.
pub(crate) fn handle_interrupts() {
    let handler: extern "C" fn(i32) = interrupt;
    // SAFETY: zeros are a valid action, and the handler does nothing.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(result, 0);
}

/// Interrupts every thread of this process. A signal to the process would mostly reach an idle thread.
pub(crate) fn interrupt_all_threads() {
    let process = i32::try_from(std::process::id()).unwrap();
    for entry in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let thread: i32 = entry.file_name().to_str().unwrap().parse().unwrap();
        // SAFETY: the signal has a handler, and a thread that has ended is not found.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    }
}

/// Replaces all descriptors except the standard ones by `/dev/null`.
pub(crate) fn replace_descriptors() {
    // SAFETY: the descriptors stay open, but refer to another file, which their owners must bear.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for descriptor in (3..64).filter(|&it| it != null) {
            libc::dup2(null, descriptor);
        }
    }
}

/// Closes all descriptors except the standard ones, as a program that becomes a daemon does.
pub(crate) fn close_descriptors() {
    for descriptor in 3..1000 {
        // SAFETY: this is as unsound as the programs that it imitates. The owners of the descriptors must bear it.
        unsafe { libc::close(descriptor) };
    }
}
