//! The run to which the tasks of a test belong, if all workers are in the thread of the test.
//!
//! Results differ between runs, so that a result of another run is noticed. Tasks may also behave differently when
//! they are computed again. In all other cases, such as worker processes, every run is run 0.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

thread_local! {
    /// Called by each task that runs.
    static OBSERVER: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    static RUN: Cell<u64> = const { Cell::new(0) };
    /// By run and task: the number of times that the task was begun.
    static COUNTS: RefCell<HashMap<(u64, usize), u32>> = RefCell::default();
}

/// Sets the run to which tasks belong from now on.
pub(crate) fn set_run(run: u64) {
    RUN.set(run);
}

/// The run that tasks belong to.
pub(super) fn run() -> u64 {
    RUN.get()
}

/// Sets a function that each task calls first, or removes it.
pub(crate) fn set_observer(observer: Option<Box<dyn Fn()>>) {
    OBSERVER.set(observer);
}

/// Called by each task first.
pub(super) fn observe() {
    OBSERVER.with_borrow(|observer| observer.iter().for_each(|observer| observer()));
}

/// Resets the run and all counts.
pub(crate) fn forget() {
    RUN.set(0);
    COUNTS.take();
}

/// The number of times that a task was begun in a run; 0 if the task is not counted.
pub(crate) fn count(run: u64, task: usize) -> u32 {
    COUNTS.with_borrow(|counts| counts.get(&(run, task)).copied().unwrap_or(0))
}

/// Counts that a task begins. Returns whether the task begins for the first time in its run.
pub(super) fn begin(task: usize) -> bool {
    COUNTS.with_borrow_mut(|counts| {
        let count = counts.entry((run(), task)).or_default();
        *count += 1;
        *count == 1
    })
}
