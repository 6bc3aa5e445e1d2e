//! A run that threads can wait for, cancel and drop: [`Run`].

use super::turn::Ticket;
use super::waits::Waiting;
use super::{Done, PoolState};
use crate::api::outcome::Values;
use ampeg_schedule::Error;
use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

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
    pub(super) canceller: Canceller,
    /// `None` after a wait.
    pub(super) thread: Option<JoinHandle<Result<Done, Error>>>,
    pub(super) end: Arc<End>,
}

/// Cancels a [`Run`], also while another thread waits for it.
///
/// Clones cancel the same run. A canceller keeps neither the run nor its pool alive, and does nothing once the run is
/// over.
///
/// ```
/// use ampeg::{Pool, TaskErrorKind, graph};
/// use std::time::Duration;
///
/// let pool = Pool::new(1)?;
/// let graph = graph! { long = std::thread::sleep(Duration::from_secs(3600)); };
/// let run = pool.start(&graph)?;
/// let canceller = run.canceller();
/// let outcome = std::thread::scope(|scope| {
///     scope.spawn(move || canceller.cancel()); // a signal handler, a button, a deadline of somebody else
///     run.wait()
/// })?;
/// assert_eq!(outcome.long.unwrap_err().kind(), &TaskErrorKind::Cancelled);
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Canceller {
    /// Gone with the run and the last clone of its pool.
    pub(super) pool: Weak<PoolState>,
    pub(super) ticket: Arc<Ticket>,
}

impl Canceller {
    /// Cancels the run, as [`Run::cancel`] does.
    pub fn cancel(&self) {
        if let Some(pool) = self.pool.upgrade()
            && pool.crew.cancel(&self.ticket)
        {
            (pool.waker)();
        }
    }
}

/// Whether the thread of a run has ended, and the waiters to notify at its end.
#[derive(Debug, Default)]
pub(super) struct End {
    state: Mutex<EndState>,
    /// Signals the end to threads that wait with a time limit.
    over: Condvar,
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

    /// Waits for the end, but no longer than this; whether it is over.
    fn wait(&self, timeout: Duration) -> bool {
        let is_running = |state: &mut EndState| !state.is_over;
        let waited = self
            .over
            .wait_timeout_while(self.state(), timeout, is_running);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_over
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
        self.0.over.notify_all();
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
    /// A run that waits for its turn ends at once. Cancelling a run that is over has no effect.
    pub fn cancel(&self) {
        self.canceller.cancel();
    }

    /// A handle that cancels this run while it is waited for or awaited.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
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

    /// Waits for the end of the run, but no longer than `timeout`.
    ///
    /// A run that is not over by then goes on, and is returned.
    /// [`PoolBuilder::timeout`](crate::PoolBuilder::timeout) ends a run instead.
    ///
    /// # Errors
    ///
    /// The outer error is the run itself, if it is not over in time. The inner errors are those of
    /// [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// If the run did, which is a mistake in this crate.
    ///
    /// ```
    /// use ampeg::{Pool, graph};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::new(1)?;
    /// let graph = graph! { a = 1 + 1; };
    /// let mut run = pool.start(&graph)?;
    /// let outcome = loop {
    ///     match run.wait_timeout(Duration::from_millis(100)) {
    ///         Ok(outcome) => break outcome?,
    ///         Err(unfinished) => run = unfinished, // say that it is still running
    ///     }
    /// };
    /// assert_eq!(outcome.a, Ok(2));
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Result<V::Outcome, Error>, Self>
    where
        V: Values,
    {
        let waiting = match self.begin_to_wait() {
            Ok(waiting) => waiting,
            Err(error) => return Ok(Err(error)),
        };
        let is_over = self.end.wait(timeout);
        drop(waiting);
        if is_over {
            Ok(self.take_outcome())
        } else {
            Err(self)
        }
    }

    /// Fails if the pool is running the task that is about to wait: both would wait for ever.
    fn begin_to_wait(&self) -> Result<Option<Waiting>, Error> {
        let pool = self.canceller.pool.upgrade();
        let pool = pool.filter(|_| !self.is_finished());
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
            // The result of a dropped run is not needed.
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
