//! What the tasks of a test know of the run that they are computed in, if all workers live in the thread of the test.
//!
//! Results differ from run to run, so that one that gets from one run into another is seen; tasks may be told to behave
//! differently when they are computed once more. Elsewhere, in worker processes say, all runs are run 0.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

thread_local! {
    /// Called by each task that runs.
    static OBSERVER: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    static RUN: Cell<u64> = const { Cell::new(0) };
    /// By run and task.
    static COUNTS: RefCell<HashMap<(u64, usize), u32>> = RefCell::default();
}

/// Says which run the tasks belong to that are computed from now on.
pub(crate) fn set_run(run: u64) {
    RUN.set(run);
}

/// The run that tasks belong to.
pub(super) fn run() -> u64 {
    RUN.get()
}

/// Has each task that runs from now on call this first, or nothing.
pub(crate) fn set_observer(observer: Option<Box<dyn Fn()>>) {
    OBSERVER.set(observer);
}

/// A task runs.
pub(super) fn observe() {
    OBSERVER.with_borrow(|observer| observer.iter().for_each(|observer| observer()));
}

/// Forgets all runs.
pub(crate) fn forget() {
    RUN.set(0);
    COUNTS.take();
}

/// How often a task was begun in a run, if it counts.
pub(crate) fn count(run: u64, task: usize) -> u32 {
    COUNTS.with_borrow(|counts| counts.get(&(run, task)).copied().unwrap_or(0))
}

/// Counts that a task is begun; whether it is the first time in its run.
pub(super) fn begin(task: usize) -> bool {
    COUNTS.with_borrow_mut(|counts| {
        let count = counts.entry((run(), task)).or_default();
        *count += 1;
        *count == 1
    })
}
