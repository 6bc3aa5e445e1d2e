//! What a worker has to tell its coordinator, gathered so that a tiny task does not cost a message.
//!
//! What comes after a while goes out at once, with all that waits; so a long task is told of when it ends.
//! What comes shortly after another message waits for more: until the worker has nothing left to do, until there is
//! enough for a message, and never for longer than [`PATIENCE`], since a thread sees to it while a task runs or an
//! input is waited for.
//! The order stays.

use super::{DESCRIPTORS, ToCoordinator, send};
use crate::clock::now;
use crate::id::ProcessorId;
use crate::message::{Ended, FromWorker, Timestamp};
use crate::sys;
use ipc_channel::ipc::IpcSender;
use std::mem::{replace, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long after the last message what comes next is told at once.
const INTERVAL: Duration = Duration::from_micros(100);
/// How long what waits may wait while the worker does something else. To wake a thread costs more than a tiny task.
const PATIENCE: Duration = Duration::from_millis(1);
/// What a message holds at most, but for what is more by itself: it must stay below what a socket buffers.
const BYTES: u64 = 64 * 1024;
/// The bytes of a message about a task besides its result, about.
const BESIDES: u64 = 64;

/// The way from a worker to its coordinator.
#[derive(Debug)]
pub(super) struct Outbox {
    shared: Arc<Shared>,
    /// Whether something may wait; only a hint, since it may have gone out meanwhile.
    waits: bool,
    clock: Clock,
}

/// Whether the thread that looks after what waits is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    NotStarted,
    Started,
    Impossible,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when something is left to wait.
    left: Condvar,
}

#[derive(Debug)]
struct State {
    coordinator: IpcSender<ToCoordinator>,
    worker: ProcessorId,
    generation: u32,
    waiting: Vec<FromWorker>,
    bytes: u64,
    descriptors: usize,
    /// When the last message went out.
    sent: Timestamp,
    /// Whether the coordinator counts the time until the running task's end.
    limited: bool,
    /// Whether the thread is to look after what waits.
    watched: bool,
}

impl Outbox {
    pub(super) fn new(
        coordinator: IpcSender<ToCoordinator>,
        worker: ProcessorId,
        generation: u32,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    coordinator,
                    worker,
                    generation,
                    waiting: Vec::new(),
                    bytes: 0,
                    descriptors: 0,
                    sent: 0,
                    limited: false,
                    watched: false,
                }),
                left: Condvar::new(),
            }),
            waits: false,
            clock: Clock::NotStarted,
        }
    }

    /// Takes what is to be told, now or a little later. Whether nothing was sent for it.
    pub(super) fn put(&mut self, message: FromWorker) -> bool {
        let mut state = self.shared.lock();
        let sent_before = state.sent;
        let goes_now = state.put(message);
        if goes_now {
            state.send();
        }
        self.waits = !goes_now;
        state.sent == sent_before
    }

    /// Sends what waits.
    pub(super) fn empty(&mut self) {
        if take(&mut self.waits) {
            self.shared.lock().send();
        }
    }

    /// What comes next may take long: what waits is looked after meanwhile.
    pub(super) fn watch(&mut self) {
        if !self.waits {
            return;
        }
        if self.clock == Clock::NotStarted {
            self.clock = Shared::watch(&self.shared);
        }
        let mut state = self.shared.lock();
        if state.waiting.is_empty() {
            self.waits = false;
        } else if self.clock == Clock::Impossible {
            self.waits = false;
            state.send();
        } else if !state.watched {
            state.watched = true;
            self.shared.left.notify_one();
        }
    }
}

impl Shared {
    /// Starts the thread that sends what has waited for long enough.
    fn watch(shared: &Arc<Self>) -> Clock {
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new().name("ampeg report".into());
        let started = thread.spawn(move || {
            loop {
                let idle = |state: &mut State| !state.watched;
                let waited = shared.left.wait_while(shared.lock(), idle);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                thread::sleep(PATIENCE);
                let mut state = shared.lock();
                state.watched = false;
                state.send();
            }
        });
        started.map_or(Clock::Impossible, |_| Clock::Started)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds to what waits; whether all of it must go out at once.
    fn put(&mut self, message: FromWorker) -> bool {
        let (bytes, descriptors) = size(&message);
        if self.bytes + bytes > BYTES || self.descriptors + descriptors > DESCRIPTORS {
            self.send();
        }
        self.bytes += bytes;
        self.descriptors += descriptors;
        let goes_now = match &message {
            FromWorker::Ended(ended) => {
                let since = ended.observed.finish.saturating_sub(self.sent);
                let is_late = u128::from(since) >= INTERVAL.as_nanos();
                is_late || ended.result.is_err() || take(&mut self.limited)
            }
            FromWorker::Started { .. } => {
                self.limited = true;
                true
            }
            FromWorker::Refused { .. } => true,
        };
        self.waiting.push(message);
        goes_now
    }

    fn send(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        (self.bytes, self.descriptors) = (0, 0);
        // The next message may well be as long.
        let next = Vec::with_capacity(self.waiting.len());
        let message = ToCoordinator::Messages {
            worker: self.worker,
            generation: self.generation,
            messages: replace(&mut self.waiting, next),
        };
        if let Err(error) = send(&self.coordinator, message) {
            // Without its reports, the coordinator would wait for ever; another worker will do what this one has not
            // reported. If the coordinator is gone, there is nothing left to do anyway.
            eprintln!("ampeg: this worker cannot reach its coordinator: {error}");
            sys::exit_now(104);
        }
        self.sent = now();
    }
}

/// How many bytes and descriptors a message takes, about.
fn size(message: &FromWorker) -> (u64, usize) {
    match message {
        FromWorker::Ended(Ended {
            result: Ok(Some(payload)),
            ..
        }) => (BESIDES + payload.n_inline(), payload.n_descriptors()),
        _ => (BESIDES, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::TaskErrorKind;
    use crate::id::TaskId;
    use crate::message::Observed;
    use crate::payload::{Payload, SHARED_FROM};
    use crate::testing::Deadline;
    use ipc_channel::TryRecvError;
    use ipc_channel::ipc::{IpcReceiver, channel};

    type Coordinator = IpcReceiver<ToCoordinator>;

    fn outbox() -> (Outbox, Coordinator) {
        let (sender, receiver) = channel().unwrap();
        (Outbox::new(sender, ProcessorId::new(3), 2), receiver)
    }

    /// The end of a task that took until `finish`; 0 is long before the last message.
    fn ended(
        task: usize,
        finish: Timestamp,
        result: Result<Option<Payload>, TaskErrorKind>,
    ) -> FromWorker {
        FromWorker::Ended(Ended {
            run: 1,
            task: TaskId::new(task),
            attempt: 1,
            result: result.map_err(Box::new),
            tries_again: false,
            peer_changes: 0,
            observed: Observed::between(0, finish),
        })
    }

    fn quick(task: usize) -> FromWorker {
        ended(task, 0, Ok(None))
    }

    fn started(task: usize) -> FromWorker {
        FromWorker::Started {
            run: 1,
            task: TaskId::new(task),
            attempt: 1,
        }
    }

    fn messages(message: ToCoordinator) -> Vec<FromWorker> {
        match message {
            ToCoordinator::Messages {
                worker,
                generation,
                messages,
            } => {
                assert_eq!((worker, generation), (ProcessorId::new(3), 2));
                messages
            }
            other => panic!("{other:?}"),
        }
    }

    fn task(message: &FromWorker) -> usize {
        match message {
            FromWorker::Ended(Ended { task, .. }) | FromWorker::Started { task, .. } => {
                task.index()
            }
            FromWorker::Refused { .. } => usize::MAX,
        }
    }

    /// The tasks of the next message, which is there already.
    fn told(coordinator: &Coordinator) -> Vec<usize> {
        let message = coordinator.try_recv().unwrap();
        messages(message).iter().map(task).collect()
    }

    fn told_nothing(coordinator: &Coordinator) {
        let nothing = coordinator.try_recv();
        assert!(matches!(nothing, Err(TryRecvError::Empty)), "{nothing:?}");
    }

    #[test]
    fn what_comes_after_a_while_is_told_at_once_with_all_that_waits() {
        let (mut outbox, coordinator) = outbox();
        let after_a_while = || now() + Timestamp::from(u32::MAX);
        outbox.put(ended(0, after_a_while(), Ok(None)));
        assert_eq!(told(&coordinator), [0]);
        outbox.put(quick(1));
        outbox.put(quick(2));
        told_nothing(&coordinator);
        outbox.put(ended(3, after_a_while(), Ok(None)));
        assert_eq!(told(&coordinator), [1, 2, 3]);
    }

    #[test]
    fn what_waits_is_told_when_there_is_nothing_to_do() {
        let (mut outbox, coordinator) = outbox();
        outbox.empty();
        (0..5).for_each(|task| assert!(outbox.put(quick(task))));
        outbox.empty();
        assert_eq!(told(&coordinator), [0, 1, 2, 3, 4]);
        outbox.empty();
        told_nothing(&coordinator);
    }

    #[test]
    fn what_waits_is_told_while_a_task_runs() {
        let _deadline = Deadline::seconds("outbox", 60);
        let (mut outbox, coordinator) = outbox();
        for round in 0..3 {
            outbox.put(quick(round));
            outbox.watch();
            let message = coordinator.recv().unwrap();
            assert_eq!(task(&messages(message)[0]), round);
        }
    }

    #[test]
    fn failures_and_tasks_with_a_limit_are_told_at_once() {
        let (mut outbox, coordinator) = outbox();
        outbox.put(quick(0));
        outbox.put(ended(1, 0, Err(TaskErrorKind::Cancelled)));
        assert_eq!(told(&coordinator), [0, 1]);
        outbox.put(quick(2));
        outbox.put(started(3));
        assert_eq!(told(&coordinator), [2, 3]);
        outbox.put(quick(3));
        assert_eq!(told(&coordinator), [3]);
        outbox.put(quick(4));
        told_nothing(&coordinator);
        let reason = String::new();
        outbox.put(FromWorker::Refused { reason });
        assert_eq!(told(&coordinator), [4, usize::MAX]);
    }

    #[test]
    fn no_message_holds_more_than_the_system_takes() {
        let _deadline = Deadline::seconds("outbox", 60);
        for size in [10, 5_000, SHARED_FROM] {
            let (mut outbox, coordinator) = outbox();
            let payload = Payload::copied(&vec![1; size]).unwrap();
            let sender = thread::spawn(move || {
                for task in 0..3_000 {
                    outbox.put(ended(task, 0, Ok(Some(payload.clone()))));
                }
                outbox.empty();
            });
            let (mut n_messages, mut next) = (0, 0);
            while next < 3_000 {
                let batch = messages(coordinator.recv().unwrap());
                let sizes = batch.iter().map(super::size);
                let (bytes, descriptors) =
                    sizes.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
                assert!(bytes <= BYTES && descriptors <= DESCRIPTORS);
                for message in batch {
                    assert_eq!(task(&message), next);
                    next += 1;
                }
                n_messages += 1;
            }
            assert!(n_messages < 300, "{n_messages}");
            sender.join().unwrap();
        }
    }
}
