//! Identifies the task that runs the current code: the task's pool, and its depth in nested graphs.
//!
//! A task may run a graph, whose tasks may run graphs. A worker thread stores its pool and depth in a thread-local
//! variable. A worker process stores its depth in a static, which its invitation sets.

use crate::base::run_error::RunErrorKind;
use ampeg_schedule::Error;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The largest depth of nested pools.
///
/// Each nested graph has its own workers, so programs need few levels. An endless recursion would start workers until
/// the system has no resources left.
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

/// The task or program that calls ampeg.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The pool whose task is the caller, if the pool is in this process.
    pub(crate) pool: Option<PoolId>,
    /// The number of pools around the caller.
    pub(crate) depth: u32,
}

/// The depth of this process, which is that of the tasks that it runs as a worker.
static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static THREAD: Cell<Option<Caller>> = const { Cell::new(None) };
}

impl Caller {
    /// The caller of the current code. A thread that a task started itself has the depth of its process, and no pool.
    pub(crate) fn here() -> Self {
        THREAD.get().unwrap_or_else(|| Self {
            pool: None,
            depth: PROCESS.load(Ordering::Relaxed),
        })
    }

    /// The caller of tasks in a new pool; fails if pools are nested too deep.
    pub(crate) fn of_tasks(self, pool: PoolId) -> Result<Self, Error> {
        if self.depth >= DEEPEST {
            return Err(RunErrorKind::TooDeep { deepest: DEEPEST }.into());
        }
        Ok(Self {
            pool: Some(pool),
            depth: self.depth + 1,
        })
    }

    /// Makes this thread work for this caller.
    pub(crate) fn enter(self) {
        THREAD.set(Some(self));
    }

    /// Records that this process is a worker at this depth.
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
