//! A run that somebody may wait for, cancel and drop: [`Run`].

use super::turn::Ticket;
use super::waits::Waiting;
use super::{Done, Shared};
use crate::api::outcome::Values;
use crate::base::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

/// A run under way; dropped, it is cancelled.
///
/// The drop waits until the run is over: until the workers that were running its tasks have been killed and are gone.
#[must_use = "a run is cancelled when it is dropped: `.wait()?` gives its outcome"]
pub struct Run<V> {
    pub(super) values: PhantomData<fn() -> V>,
    /// Gone with the run and the last clone of its pool.
    pub(super) pool: Weak<Shared>,
    pub(super) ticket: Arc<Ticket>,
    /// There until somebody waits.
    pub(super) thread: Option<JoinHandle<Result<Done, Error>>>,
}

impl<V> fmt::Debug for Run<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<V> Run<V> {
    /// Ends the run: tasks that are running are killed, and what has no result yet ends as cancelled.
    ///
    /// Results that exist already are kept. On threads, running tasks are left to finish.
    /// A run that waits for others on its pool ends at once, and one that is over stays as it is.
    pub fn cancel(&self) {
        if let Some(pool) = self.pool.upgrade()
            && pool.crew.cancel(&self.ticket)
        {
            (pool.waker)();
        }
    }

    /// Whether [`wait`](Self::wait) would return at once.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    ///
    /// As [`Pool::run`](crate::Pool::run).
    ///
    /// # Panics
    ///
    /// If the run did, which is a mistake in this crate.
    pub fn wait(mut self) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let pool = self.pool.upgrade().filter(|_| !self.is_finished());
        let waiting = pool.map(|pool| Waiting::on(pool.id)).transpose()?;
        let thread = self.thread.take().expect("a run is waited for once");
        let done = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        drop(waiting);
        Ok(done?.outcome::<V>())
    }
}

impl<V> Drop for Run<V> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.cancel();
            // Whatever came of it, nobody asks any more.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::pool::Pool;
    use crate::testing::Deadline;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn panic_of_a_run_reaches_who_waits_for_it() {
        let _deadline = Deadline::seconds("panic", 60);
        let pool = Pool::builder().threads(1).build().unwrap();
        let graph = crate::testing::graph(&[], |_| (1.0, 1.0));
        let mut run = pool.start(&graph).unwrap();
        let panics = std::thread::spawn(|| panic!("a fault of ours"));
        drop(run.thread.replace(panics));
        let panic = catch_unwind(AssertUnwindSafe(|| run.wait())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a fault of ours"));
    }
}
