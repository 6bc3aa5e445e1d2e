//! Threads of this crate in the user's process.

use crate::sys;
use crate::sys::resources;
use std::cell::Cell;
use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

thread_local! {
    /// Created after the thread-locals that a run uses, and so destroyed before them.
    static ALIVE: Alive = const { Alive };
    /// Whether [`ALIVE`] was destroyed. This variable has no destructor, so it can still be read then.
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {
        IS_ENDING.set(true);
    }
}

/// Runs code that needs thread-locals, above all those of ipc-channel.
///
/// The destructor of a thread-local or an exit handler may run a graph, or make or drop a pool. The thread-locals of
/// this thread may be gone by then, so another thread runs `body`.
pub(crate) fn with_locals<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    if IS_ENDING.get() {
        return elsewhere(body);
    }
    let result = body();
    // Accessed last, so that it is destroyed first.
    let _ = ALIVE.try_with(|_| ());
    result
}

fn elsewhere<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let given = Arc::new(Mutex::new(Some(body)));
    let take = {
        let given = Arc::clone(&given);
        move || {
            given
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
                .expect("it is taken once")
        }
    };
    let there = take.clone();
    match Builder::new().spawn(move || there()()) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        // No thread can be started, so `body` runs here, and does what it can without thread-locals.
        Err(_) => take()(),
    }
}

/// Starts a thread that blocks all signals, so that handlers of the caller's program run only in the caller's
/// threads.
///
/// The thread must not start a process, because the process would block all signals, too.
pub(crate) fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let started = sys::without_signals(|| Builder::new().name(name.into()).spawn(body));
    started.map_err(|error| io::Error::new(error.kind(), resources::refused(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::sync::mpsc::{Sender, channel};

    thread_local! {
        static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }

    fn use_locals() -> usize {
        NAMES.with_borrow_mut(|names| {
            names.push("x".into());
            names.len()
        })
    }

    struct Last(Sender<usize>);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(with_locals(use_locals)).unwrap();
        }
    }

    #[test]
    fn body_finds_thread_locals_even_in_the_destructor_of_one() {
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || {
            // It is made first, and destroyed last.
            LAST.set(Some(Last(sender)));
            [with_locals(use_locals), with_locals(use_locals)]
        });
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(thread.join().unwrap(), [1, 2]);
    }
}
