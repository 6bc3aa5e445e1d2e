//! The panic hook of the process: that of ampeg, around that of the program.
//!
//! The program or a task may set its own hook at any time. This drops our hook, whose destructor sets it again around
//! the new one: `set_hook` drops the old hook when the new one is in place, with no lock held.
//! A hook that calls ours in turn is left as it is. One that is set while somebody else keeps ours, as `take_hook`
//! gives it, is not noticed before that one is dropped.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
/// Counts the hooks: the last one is in place.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Held while a hook is set.
static SETTING: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread holds the lock.
    static IS_SETTING: Cell<bool> = const { Cell::new(false) };
}

/// Sets our hook unless it is in place.
pub(super) fn install() {
    if !IS_INSTALLED.load(Ordering::Acquire) {
        set();
    }
}

#[cold]
fn set() {
    if thread::panicking() {
        // A thread that panics may not set a hook. Without another thread the place is unknown.
        if let Ok(other) = thread::Builder::new().spawn(set_here) {
            let _ = other.join();
        }
    } else {
        set_here();
    }
}

fn set_here() {
    if IS_SETTING.replace(true) {
        // A hook of the program's that is just being dropped runs a graph.
        return;
    }
    let lock = SETTING.lock().unwrap_or_else(PoisonError::into_inner);
    if !IS_INSTALLED.load(Ordering::Acquire) {
        let guard = Guard {
            number: LAST.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            let _ = &guard;
            if !super::note(info) {
                previous(info);
            }
        }));
        IS_INSTALLED.store(true, Ordering::Release);
    }
    drop(lock);
    IS_SETTING.set(false);
}

/// Dropped with our hook, when another one has taken its place.
struct Guard {
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if LAST.load(Ordering::Relaxed) != self.number {
            return;
        }
        IS_INSTALLED.store(false, Ordering::Release);
        // Else the next `catch` does it.
        if !thread::panicking() {
            set_here();
        }
    }
}
