//! Waits of tasks of one pool for runs on another, to find deadlocks.
//!
//! A pool runs one graph at a time, so a task that waits for a run on its own pool would wait for itself. The wait may
//! also pass through other pools. Such a circle is detected before the wait begins. Only pools on threads can form a
//! circle: tasks in other processes cannot call a pool of this process.

use crate::base::run_error::RunErrorKind;
use crate::run::caller::{Caller, PoolId};
use ampeg_schedule::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All waits of this process that are under way; one that is there twice has begun twice.
static WAITS: Mutex<Vec<Wait>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wait {
    /// The pool whose task waits.
    from: PoolId,
    on: PoolId,
}

/// A wait of a task, until this is dropped; waits of other code are not recorded.
#[derive(Debug)]
pub(super) struct Waiting(Option<Wait>);

impl Waiting {
    /// The code that runs in this thread is about to wait for a run on a pool.
    pub(super) fn on(pool: PoolId) -> Result<Self, Error> {
        let Some(from) = Caller::here().pool else {
            return Ok(Self(None));
        };
        let wait = Wait { from, on: pool };
        let mut waits = lock();
        if reaches(&waits, pool, from) {
            let by_others = pool != from;
            return Err(RunErrorKind::WaitsForItself { by_others }.into());
        }
        waits.push(wait);
        Ok(Self(Some(wait)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(wait) = self.0 {
            let mut waits = lock();
            if let Some(place) = waits.iter().position(|&other| other == wait) {
                waits.swap_remove(place);
            }
        }
    }
}

fn lock() -> MutexGuard<'static, Vec<Wait>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether one pool is another, or waits for it by way of any others.
fn reaches(waits: &[Wait], from: PoolId, to: PoolId) -> bool {
    let mut found = vec![from];
    let mut next = 0;
    while let Some(&pool) = found.get(next) {
        if pool == to {
            return true;
        }
        for wait in waits.iter().filter(|wait| wait.from == pool) {
            if !found.contains(&wait.on) {
                found.push(wait.on);
            }
        }
        next += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// What a task of the first pool finds when it is about to wait for the second.
    fn wait(from: PoolId, on: PoolId) -> Result<Waiting, Error> {
        let caller = Caller::default().of_tasks(from).unwrap();
        let task = thread::spawn(move || {
            caller.enter();
            Waiting::on(on)
        });
        task.join().unwrap()
    }

    #[test]
    fn circles_are_refused_while_they_last() {
        let [a, b, c] = [(); 3].map(|()| PoolId::next());
        assert!(wait(a, a).is_err());
        let (a_on_b, again) = (wait(a, b).unwrap(), wait(a, b).unwrap());
        let _b_on_c = wait(b, c).unwrap();
        assert!(wait(c, a).is_err() && wait(b, a).is_err() && wait(c, c).is_err());
        drop(a_on_b);
        assert!(wait(c, a).is_err());
        drop(again);
        let _c_on_a = wait(c, a).unwrap();
        assert!(wait(a, b).is_err());
    }

    #[test]
    fn who_is_no_task_may_wait() {
        let pool = PoolId::next();
        assert!(Waiting::on(pool).unwrap().0.is_none());
    }

    #[test]
    fn errors_say_what_to_do() {
        let [a, b] = [(); 2].map(|()| PoolId::next());
        let error = wait(a, a).unwrap_err().to_string();
        assert!(
            error.starts_with("this pool is running the task that calls it:"),
            "{error}"
        );
        let _a_on_b = wait(a, b).unwrap();
        let error = wait(b, a).unwrap_err().to_string();
        assert!(error.contains("a pool of its own"), "{error}");
        assert!(error.contains("`run_inline`"), "{error}");
    }
}
