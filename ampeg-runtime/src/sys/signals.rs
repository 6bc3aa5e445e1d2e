//! The effects of signals on a worker, and the threads that receive them.

/// Runs `body` while all signals are blocked in this thread. A thread that `body` starts blocks them for its whole
/// life.
///
/// Handlers of the caller's program then run only in the caller's threads, and interrupt no system call of ours. A
/// fault in this thread itself still has its usual effect. `body` must not start a process, because the process would
/// block all signals, too.
#[cfg(unix)]
pub(crate) fn without_signals<R>(body: impl FnOnce() -> R) -> R {
    use std::mem::MaybeUninit;
    use std::ptr;

    /// The signals that were blocked before. The destructor blocks these again, even if `body` panics.
    struct Before(libc::sigset_t);
    impl Drop for Before {
        fn drop(&mut self) {
            // SAFETY: the set is one that `pthread_sigmask` has filled in; a null pointer asks for no answer.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut());
            }
        }
    }

    const FAULTS: [i32; 7] = [
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGSEGV,
        libc::SIGSYS,
        libc::SIGTRAP,
    ];
    let mut signals = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: `sigfillset` fills in the whole set and does not fail; the others take valid sets and signals, and then
    // do not fail either, so that `before` is filled in. A blocked signal waits, or goes to another thread; neither
    // can make code run at the wrong time.
    let _before = unsafe {
        libc::sigfillset(signals.as_mut_ptr());
        for signal in FAULTS {
            libc::sigdelset(signals.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), before.as_mut_ptr());
        Before(before.assume_init())
    };
    body()
}

/// Other systems have no signals.
#[cfg(not(unix))]
pub(crate) fn without_signals<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Keeps the signals of a terminal from ending this worker, because the caller decides what they mean. Turns a write
/// to a closed channel into an error instead of the end of the process.
///
/// The signals are handled, not ignored: a program that a task starts gets the default actions back for handled
/// signals, but inherits ignored ones. A signal that this program ignores from its start, as under `nohup`, stays
/// ignored.
#[cfg(unix)]
pub(crate) fn survive_signals() {
    use std::mem::MaybeUninit;
    use std::ptr;

    extern "C" fn nothing(_: i32) {}
    for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGPIPE] {
        let mut before = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: the first call fills in `before` if it succeeds. Zeros are an action without flags whose mask is
        // empty. The handler does nothing, so that it may run at any time.
        unsafe {
            if libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) != 0
                || before.assume_init().sa_sigaction != libc::SIG_DFL
            {
                continue;
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(i32) as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

/// Other systems have no signals.
#[cfg(not(unix))]
pub(crate) fn survive_signals() {}

/// Makes SIGUSR1 interrupt system calls, like a handler that is set without `SA_RESTART`.
#[cfg(all(test, unix))]
pub(crate) fn interrupt_calls() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: zeros are an action without flags whose mask is empty; the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as libc::sighandler_t;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()),
            0
        );
    }
}

/// Makes the system remove children that end from the process table, so that nobody can wait for them.
#[cfg(all(test, unix))]
pub(crate) fn ignore_children() {
    // SAFETY: ignoring a signal installs no handler.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
    }
}
