//! The panic hook of the process: the hook of ampeg, around the hook of the program.
//!
//! The program or a task may set its own hook at any time, which drops our hook. The destructor of our hook then sets
//! our hook again, around the new one. It can do so because `set_hook` drops the old hook when the new one is in
//! place, without holding a lock.
//! A new hook that calls ours is left in place. While the program keeps our hook, which `take_hook` has returned, a new
//! hook is not noticed. When the program drops our hook, the new hook is noticed.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
/// The number of the latest hook of ampeg. The destructors of older hooks do nothing.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Held while a hook is set.
static SETTING: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread holds [`SETTING`].
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
        // `set_hook` panics in a thread that is panicking, so another thread sets the hook. If no thread can start,
        // the location of the next panic stays unknown.
        if let Ok(other) = thread::Builder::new().spawn(set_here) {
            let _ = other.join();
        }
    } else {
        set_here();
    }
}

fn set_here() {
    if IS_SETTING.replace(true) {
        // `set_hook` below dropped a hook of the program, whose destructor called `catch`.
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

/// Part of our hook, so that it is dropped when another hook replaces ours.
struct Guard {
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if LAST.load(Ordering::Relaxed) != self.number {
            return;
        }
        IS_INSTALLED.store(false, Ordering::Release);
        // If this thread panics, the next `catch` sets the hook.
        if !thread::panicking() {
            set_here();
        }
    }
}
