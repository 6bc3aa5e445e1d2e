//! The queue of runs on a pool: its crew runs one after another, in the order of the calls.
//!
//! A waiting run leaves the queue when it is cancelled or its time is over.
//! Only the run that has the crew must be woken by the crew's own waker.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A thing that one run after another has.
#[derive(Debug)]
pub(super) struct Turns<T> {
    queue: Mutex<Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    /// Away while a run has it.
    free: Option<T>,
    /// The run that has it.
    holder: Option<Arc<Ticket>>,
    /// The runs that wait for it, in the order in which they came.
    waiting: VecDeque<Arc<Ticket>>,
}

/// What one run holds while it waits and while it has its turn, and who cancels it too.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    cancelled: AtomicBool,
    /// Notified when it is this run's turn, and when it is cancelled.
    called: Condvar,
}

impl Ticket {
    pub(super) fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    fn is_over(&self, deadline: Option<Instant>) -> bool {
        self.cancelled.load(Ordering::Acquire)
            || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl<T> Turns<T> {
    pub(super) fn new(thing: T) -> Self {
        Self {
            queue: Mutex::new(Queue {
                free: Some(thing),
                holder: None,
                waiting: VecDeque::new(),
            }),
        }
    }

    /// A place in the queue: the next `take` or `leave` with this ticket gives it up.
    pub(super) fn join(&self) -> Arc<Ticket> {
        let ticket = Arc::<Ticket>::default();
        self.lock().waiting.push_back(Arc::clone(&ticket));
        ticket
    }

    /// Gives up a place in the queue.
    pub(super) fn leave(&self, ticket: &Arc<Ticket>) {
        self.lock().leave(ticket);
    }

    /// Waits until all runs that came before have had their turns; none if this one is over before.
    pub(super) fn take(
        &self,
        ticket: &Arc<Ticket>,
        deadline: Option<Instant>,
    ) -> Option<Turn<'_, T>> {
        let mut queue = self.lock();
        loop {
            if ticket.is_over(deadline) {
                queue.leave(ticket);
                return None;
            }
            if let Some(thing) = queue.enter(ticket) {
                return Some(Turn {
                    turns: self,
                    thing: Some(thing),
                });
            }
            queue = wait(&ticket.called, queue, deadline);
        }
    }

    /// A turn at once; none if another run has it, or waits for it.
    pub(super) fn try_take(&self) -> Option<Turn<'_, T>> {
        let mut queue = self.lock();
        if !queue.waiting.is_empty() {
            return None;
        }
        let thing = queue.free.take()?;
        queue.holder = Some(Arc::default());
        Some(Turn {
            turns: self,
            thing: Some(thing),
        })
    }

    /// Cancels a run; whether it has its turn, so that what it waits for must be interrupted.
    ///
    /// Returns true only once: a run that is already cancelled, waits or is over needs no waking.
    pub(super) fn cancel(&self, ticket: &Arc<Ticket>) -> bool {
        if ticket.cancelled.swap(true, Ordering::AcqRel) {
            return false;
        }
        // Under the lock, so that a run that has just looked is waiting by now.
        let queue = self.lock();
        ticket.called.notify_one();
        queue.is_held_by(ticket)
    }

    /// No code of others runs under this lock: whatever panicked has left the queue as it should be.
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Queue<T> {
    /// The thing, if it is the turn of this run.
    fn enter(&mut self, ticket: &Arc<Ticket>) -> Option<T> {
        let is_first = self
            .waiting
            .front()
            .is_some_and(|first| same(first, ticket));
        let thing = if is_first { self.free.take() } else { None };
        if thing.is_some() {
            self.holder = self.waiting.pop_front();
        }
        thing
    }

    /// A run gives up its place; the next one may have its turn now.
    fn leave(&mut self, ticket: &Arc<Ticket>) {
        self.waiting.retain(|other| !same(other, ticket));
        self.call_next();
    }

    fn put_back(&mut self, thing: T) {
        self.free = Some(thing);
        self.holder = None;
        self.call_next();
    }

    fn call_next(&self) {
        if let (Some(_), Some(next)) = (&self.free, self.waiting.front()) {
            next.called.notify_one();
        }
    }

    fn is_held_by(&self, ticket: &Arc<Ticket>) -> bool {
        self.holder.as_ref().is_some_and(|it| same(it, ticket))
    }
}

fn same(one: &Arc<Ticket>, other: &Arc<Ticket>) -> bool {
    Arc::ptr_eq(one, other)
}

fn wait<'a, T>(
    called: &Condvar,
    queue: MutexGuard<'a, Queue<T>>,
    deadline: Option<Instant>,
) -> MutexGuard<'a, Queue<T>> {
    let Some(deadline) = deadline else {
        return called.wait(queue).unwrap_or_else(PoisonError::into_inner);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let waited = called.wait_timeout(queue, left);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// A run's turn; it ends when this is dropped, by a panic too.
#[derive(Debug)]
pub(super) struct Turn<'a, T> {
    turns: &'a Turns<T>,
    /// There until the drop.
    thing: Option<T>,
}

const HELD: &str = "a turn has its thing until it is dropped";

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect(HELD)
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        if let Some(thing) = self.thing.take() {
            self.turns.lock().put_back(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Deadline;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread::{Scope, ScopedJoinHandle, scope};
    use std::time::Duration;

    /// Starts a thread that waits for its turn, and adds its number to the list.
    fn queue_up<'scope>(
        scope: &'scope Scope<'scope, '_>,
        turns: &'scope Turns<Vec<u32>>,
        (number, deadline): (u32, Option<Instant>),
    ) -> (Arc<Ticket>, ScopedJoinHandle<'scope, bool>) {
        let ticket = turns.join();
        let own = Arc::clone(&ticket);
        let thread = scope.spawn(move || {
            let turn = turns.take(&own, deadline);
            turn.map(|mut list| list.push(number)).is_some()
        });
        (ticket, thread)
    }

    fn first_turn<T>(turns: &Turns<T>) -> Turn<'_, T> {
        turns.take(&turns.join(), None).unwrap()
    }

    #[test]
    fn first_come_first_served() {
        let _deadline = Deadline::seconds("turns", 60);
        let turns = Turns::new(Vec::new());
        scope(|scope| {
            let first = first_turn(&turns);
            for number in 0..20 {
                queue_up(scope, &turns, (number, None));
            }
            drop(first);
        });
        assert!(first_turn(&turns).iter().copied().eq(0..20));
    }

    #[test]
    fn who_waits_can_be_cancelled_and_holds_nobody_up() {
        let _deadline = Deadline::seconds("turns", 60);
        let turns = Turns::new(Vec::new());
        scope(|scope| {
            let first = first_turn(&turns);
            let (cancelled, ends) = queue_up(scope, &turns, (1, None));
            let (_, goes_on) = queue_up(scope, &turns, (2, None));
            assert!(!turns.cancel(&cancelled), "nothing is to be interrupted");
            assert!(!ends.join().unwrap());
            drop(first);
            assert!(goes_on.join().unwrap());
        });
        assert_eq!(*first_turn(&turns), [2]);
    }

    #[test]
    fn who_waits_leaves_when_its_time_is_over() {
        let _deadline = Deadline::seconds("turns", 60);
        let turns = Turns::new(Vec::new());
        scope(|scope| {
            let _first = first_turn(&turns);
            let soon = Instant::now() + Duration::from_millis(20);
            let (_, ends) = queue_up(scope, &turns, (1, Some(soon)));
            assert!(!ends.join().unwrap());
            assert!(Instant::now() >= soon);
        });
        assert!(turns.lock().waiting.is_empty());
    }

    #[test]
    fn run_that_is_over_before_it_begins_takes_no_turn() {
        let turns = Turns::new(());
        let cancelled = turns.join();
        assert!(!turns.cancel(&cancelled));
        assert!(turns.take(&cancelled, None).is_none());
        let late = turns.join();
        assert!(turns.take(&late, Some(Instant::now())).is_none());
        turns.leave(&turns.join());
        drop(first_turn(&turns));
    }

    #[test]
    fn only_who_has_its_turn_is_interrupted_and_once() {
        let turns = Turns::new(());
        let [over, holder] = [(); 2].map(|()| turns.join());
        drop(turns.take(&over, None));
        let turn = turns.take(&holder, None);
        assert!(!turns.cancel(&over));
        let interrupted = (0..1_000_000).filter(|_| turns.cancel(&holder));
        assert_eq!(interrupted.count(), 1);
        drop(turn);
    }

    #[test]
    fn turn_without_waiting_is_for_those_whom_nobody_waits_for() {
        let turns = Turns::new(());
        let turn = turns.try_take().unwrap();
        assert!(turns.try_take().is_none());
        let waiting = turns.join();
        drop(turn);
        assert!(turns.try_take().is_none());
        turns.leave(&waiting);
        drop(turns.try_take().unwrap());
    }

    #[test]
    fn panic_ends_the_turn() {
        let turns = Turns::new(vec![1]);
        let panics = catch_unwind(AssertUnwindSafe(|| {
            let mut turn = first_turn(&turns);
            turn.push(2);
            panic!("a fault of ours");
        }));
        assert!(panics.is_err());
        assert_eq!(*first_turn(&turns), [1, 2]);
    }
}
