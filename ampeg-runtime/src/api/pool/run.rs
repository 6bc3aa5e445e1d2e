//! A run that somebody may wait for, cancel and drop: [`Run`].

use super::turn::Ticket;
use super::waits::Waiting;
use super::{Done, Shared};
use crate::api::outcome::Values;
use ampeg_schedule::Error;
use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// A run that is under way; it is cancelled when it is dropped.
///
/// The drop blocks until the run is over: until the workers that were running its tasks have been killed and are gone.
///
/// A run is also a future: `.await` gives what [`wait`](Self::wait) returns, under any executor.
/// The run goes on whether it is polled or not.
///
/// ```
/// use ampeg::{Error, Pool, graph};
///
/// async fn double(pool: &Pool, x: u32) -> Result<u32, Error> {
///     let graph = graph! { y = x * 2; };
///     Ok(pool.start(&graph)?.await?.y?)
/// }
/// ```
#[must_use = "a run is cancelled when it is dropped: `.wait()?` or `.await?` gives its outcome"]
pub struct Run<V> {
    pub(super) values: PhantomData<fn() -> V>,
    /// Gone with the run and the last clone of its pool.
    pub(super) pool: Weak<Shared>,
    pub(super) ticket: Arc<Ticket>,
    /// There until somebody waits.
    pub(super) thread: Option<JoinHandle<Result<Done, Error>>>,
    pub(super) end: Arc<End>,
}

/// Whether the thread of a run has done its work, and the task that is to be woken then.
#[derive(Debug, Default)]
pub(super) struct End {
    state: Mutex<EndState>,
}

#[derive(Debug, Default)]
struct EndState {
    is_over: bool,
    waker: Option<Waker>,
}

impl End {
    fn state(&self) -> MutexGuard<'_, EndState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is over; if it is not, wakes the task once it is.
    fn poll(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        if !state.is_over {
            state.waker = Some(waker.clone());
        }
        state.is_over
    }
}

/// Announces the end of a run when it is dropped, also by a panic.
#[derive(Debug)]
pub(super) struct AnnounceEnd(pub(super) Arc<End>);

impl Drop for AnnounceEnd {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_over = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
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
        let waiting = self.begin_to_wait()?;
        let outcome = self.take_outcome();
        drop(waiting);
        outcome
    }

    /// Fails if the pool is running the task that is about to wait: both would wait for ever.
    fn begin_to_wait(&self) -> Result<Option<Waiting>, Error> {
        let pool = self.pool.upgrade().filter(|_| !self.is_finished());
        pool.map(|pool| Waiting::on(pool.id)).transpose()
    }

    fn take_outcome(&mut self) -> Result<V::Outcome, Error>
    where
        V: Values,
    {
        let thread = self.thread.take().expect("a run is waited for once");
        let done = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok(done?.outcome::<V>())
    }
}

impl<V: Values> Future for Run<V> {
    type Output = Result<V::Outcome, Error>;

    /// # Panics
    ///
    /// If it has returned the outcome before, or if the run panicked, which is a mistake in this crate.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.end.poll(context.waker()) {
            return Poll::Ready(self.take_outcome());
        }
        match self.begin_to_wait() {
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
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
