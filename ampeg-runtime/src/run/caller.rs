//! Identifies the task that runs the current code: its pool, and its depth in nested graphs.
//!
//! A task may run a graph, whose tasks may run graphs. A worker thread has this information in a thread-local variable,
//! and a worker process in a static, set from its invitation.

use crate::base::run_error::RunErrorKind;
use ampeg_schedule::Error;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// So many pools may be started one inside a task of the other.
///
/// Each nested graph has its own workers, so programs need few levels; a recursion without an end would start workers until
/// the system has room for no more.
pub(crate) const DEEPEST: u32 = 10;

/// Identifies a pool within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolId(u64);

impl PoolId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The pool of this process whose task it is.
    pub(crate) pool: Option<PoolId>,
    /// How many pools it is inside of.
    pub(crate) depth: u32,
}

/// The depth of this process: that of the task that a worker process is running.
static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static THREAD: Cell<Option<Caller>> = const { Cell::new(None) };
}

impl Caller {
    /// The code that runs in this thread; in a thread that a task has started itself, any code of this process.
    pub(crate) fn here() -> Self {
        THREAD.get().unwrap_or_else(|| Self {
            pool: None,
            depth: PROCESS.load(Ordering::Relaxed),
        })
    }

    /// The tasks of a pool that is started here.
    pub(crate) fn of_tasks(self, pool: PoolId) -> Result<Self, Error> {
        if self.depth >= DEEPEST {
            return Err(RunErrorKind::TooDeep { deepest: DEEPEST }.into());
        }
        Ok(Self {
            pool: Some(pool),
            depth: self.depth + 1,
        })
    }

    /// From now on this thread works for this caller.
    pub(crate) fn enter(self) {
        THREAD.set(Some(self));
    }

    /// From now on this process is a worker at this depth.
    pub(crate) fn enter_process(depth: u32) {
        PROCESS.store(depth, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn each_thread_has_its_own_place() {
        let pool = PoolId::next();
        let inside = thread::spawn(move || {
            Caller::here().of_tasks(pool).unwrap().enter();
            Caller::here()
        });
        let inside = inside.join().unwrap();
        assert_eq!((inside.pool, inside.depth), (Some(pool), 1));
        assert_eq!(Caller::here(), Caller::default());
    }

    #[test]
    fn nesting_has_an_end() {
        let mut caller = Caller::default();
        for depth in 0..DEEPEST {
            assert_eq!(caller.depth, depth);
            caller = caller.of_tasks(PoolId::next()).unwrap();
        }
        let error = caller.of_tasks(PoolId::next()).unwrap_err().to_string();
        assert!(error.starts_with("graphs are nested 10 deep:"), "{error}");
    }
}
