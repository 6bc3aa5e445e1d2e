//! Batches reports and small results of a worker, so that a tiny task needs no message of its own.
//!
//! A report is sent at once, with everything that is queued, if the last message is older than 100 µs. So the end of
//! a long task is reported when it ends. Otherwise, reports and small results are queued. The queues are flushed when
//! the worker has nothing to do, when a message is full, and after 1 ms at the latest, by a thread if a task is
//! running. Before a worker waits for an input, it sends its queued results, because other workers may wait for them.
//! The order of reports is kept, and results are sent before the reports of their tasks.

use super::parcel::{Parcel, send, send_parcel};
use super::{MAX_DESCRIPTORS, ToCoordinator, ToWorkerProcess};
use crate::base::clock::{Timestamp, now};
use crate::base::failure::TaskErrorKind;
use crate::run::message::{AttemptReport, Value};
use crate::sys;
use ampeg_schedule::ProcessorId;
use ipc_channel::ipc::IpcSender;
use std::collections::BTreeMap;
use std::mem::{replace, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// If the last message is older than this, the next report is sent at once.
///
/// A message takes some 6 µs, as long as many tiny tasks, but only 6 % of this interval.
const INTERVAL: Duration = Duration::from_micros(100);
/// The longest time for which a report is queued while a task runs. Waking a thread costs more than a tiny task.
const FLUSH_DELAY: Duration = Duration::from_millis(1);
/// The largest number of bytes in a message, unless a single report has more. It must be below the size of a socket's
/// buffer.
const MAX_MESSAGE_BYTES: u64 = 64 * 1024;
/// The approximate size of a report or a result without its payload.
const OVERHEAD: u64 = 64;
/// The largest results that are queued. Sending a larger one takes longer than the overhead of its own message.
const MAX_QUEUED_BYTES: u64 = 4 * 1024;

/// The channel to another worker.
pub(super) type PeerSender = IpcSender<Parcel<ToWorkerProcess>>;

/// The channels from a worker to its coordinator and to other workers.
#[derive(Debug)]
pub(super) struct Outbox {
    shared: Arc<OutboxState>,
    /// Whether something may be queued. It is only a hint, because the thread may have sent everything since.
    has_queued: bool,
    flusher: Flusher,
}

/// The state of the thread that flushes the queues after [`FLUSH_DELAY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flusher {
    NotStarted,
    Started,
    Impossible,
}

#[derive(Debug)]
struct OutboxState {
    state: Mutex<State>,
    /// Notified when the thread must flush the queues.
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    coordinator: IpcSender<Parcel<ToCoordinator>>,
    worker: ProcessorId,
    generation: u32,
    queued: Vec<AttemptReport>,
    bytes: u64,
    descriptors: usize,
    peers: BTreeMap<ProcessorId, Peer>,
    /// The time of the last message.
    sent: Timestamp,
    /// Whether the thread must flush the queues.
    flush_soon: bool,
}

/// Another worker, and the small results that are queued for it.
#[derive(Debug)]
struct Peer {
    sender: PeerSender,
    queued: Vec<Value>,
    bytes: u64,
}

impl Outbox {
    pub(super) fn new(
        coordinator: IpcSender<Parcel<ToCoordinator>>,
        worker: ProcessorId,
        generation: u32,
    ) -> Self {
        Self {
            shared: Arc::new(OutboxState {
                state: Mutex::new(State {
                    coordinator,
                    worker,
                    generation,
                    queued: Vec::new(),
                    bytes: 0,
                    descriptors: 0,
                    peers: BTreeMap::new(),
                    sent: 0,
                    flush_soon: false,
                }),
                wake: Condvar::new(),
            }),
            has_queued: false,
            flusher: Flusher::NotStarted,
        }
    }

    /// Replaces the channels to other workers.
    pub(super) fn introduce(&mut self, peers: Vec<(ProcessorId, PeerSender)>) {
        let mut state = self.shared.lock();
        for (worker, sender) in peers {
            // Queued results are sent to the new process.
            let old = state.peers.remove(&worker);
            let (queued, bytes) = old.map(|old| (old.queued, old.bytes)).unwrap_or_default();
            let peer = Peer {
                sender,
                queued,
                bytes,
            };
            state.peers.insert(worker, peer);
        }
    }

    /// Sends a result to another worker, or queues it if it is small.
    ///
    /// # Errors
    ///
    /// If the result can never be sent.
    pub(super) fn send_value(&mut self, to: ProcessorId, value: Value) -> Result<(), String> {
        let mut state = self.shared.lock();
        let worker = state.worker;
        // A worker that is not introduced yet gets its inputs from the coordinator.
        let Some(peer) = state.peers.get_mut(&to) else {
            return Ok(());
        };
        let bytes = OVERHEAD + value.content.n_inline();
        if value.content.n_descriptors() == 0 && bytes <= MAX_QUEUED_BYTES {
            peer.queued.push(value);
            peer.bytes += bytes;
            self.has_queued = true;
            if peer.bytes > MAX_MESSAGE_BYTES {
                peer.flush(worker);
            }
            return Ok(());
        }
        peer.flush(worker);
        let sender = peer.sender.clone();
        // The lock is released because the send may take long, and the thread must be able to send reports meanwhile.
        drop(state);
        let values = vec![value];
        send(
            &sender,
            ToWorkerProcess::Values {
                from: worker,
                values,
            },
        )
    }

    /// Sends the queued results, because other workers may wait for them.
    pub(super) fn flush_values(&mut self) {
        if self.has_queued {
            self.shared.lock().flush_values();
        }
    }

    /// Sends or queues a report. Returns true if nothing was sent.
    pub(super) fn push(&mut self, report: AttemptReport) -> bool {
        let mut state = self.shared.lock();
        let sent_before = state.sent;
        let is_due = state.push(report);
        if is_due {
            state.flush();
        }
        self.has_queued = !is_due;
        state.sent == sent_before
    }

    /// Sends everything that is queued.
    pub(super) fn flush(&mut self) {
        if take(&mut self.has_queued) {
            self.shared.lock().flush();
        }
    }

    /// Called before a task that may take long: makes the thread send everything that is queued.
    pub(super) fn flush_soon(&mut self) {
        if !self.has_queued {
            return;
        }
        if self.flusher == Flusher::NotStarted {
            self.flusher = OutboxState::start_flusher(&self.shared);
        }
        let mut state = self.shared.lock();
        if state.is_empty() {
            self.has_queued = false;
        } else if self.flusher == Flusher::Impossible {
            self.has_queued = false;
            state.flush();
        } else if !state.flush_soon {
            state.flush_soon = true;
            self.shared.wake.notify_one();
        }
    }
}

impl OutboxState {
    fn start_flusher(shared: &Arc<Self>) -> Flusher {
        let shared = Arc::clone(shared);
        let started = sys::thread::spawn("ampeg report", move || {
            loop {
                let is_idle = |state: &mut State| !state.flush_soon;
                let waited = shared.wake.wait_while(shared.lock(), is_idle);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                thread::sleep(FLUSH_DELAY);
                let mut state = shared.lock();
                state.flush_soon = false;
                state.flush();
            }
        });
        started.map_or(Flusher::Impossible, |_| Flusher::Started)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Queues a report. Returns true if the queue must be sent at once.
    fn push(&mut self, report: AttemptReport) -> bool {
        let (bytes, descriptors) = size(&report);
        if self.bytes + bytes > MAX_MESSAGE_BYTES
            || self.descriptors + descriptors > MAX_DESCRIPTORS
        {
            self.flush();
        }
        self.bytes += bytes;
        self.descriptors += descriptors;
        let since = report.observed.finish.saturating_sub(self.sent);
        let is_due = u128::from(since) >= INTERVAL.as_nanos() || report.result.is_err();
        self.queued.push(report);
        is_due
    }

    fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.peers.values().all(|peer| peer.queued.is_empty())
    }

    fn flush_values(&mut self) {
        for peer in self.peers.values_mut() {
            peer.flush(self.worker);
        }
    }

    fn flush(&mut self) {
        self.flush_values();
        if self.queued.is_empty() {
            return;
        }
        (self.bytes, self.descriptors) = (0, 0);
        // The next message is likely to have as many reports.
        let next = Vec::with_capacity(self.queued.len());
        let reports = replace(&mut self.queued, next);
        self.send(reports);
        self.sent = now();
    }

    /// Sends reports. A report whose result cannot be sent is replaced by a failure with the reason.
    fn send(&self, reports: Vec<AttemptReport>) {
        let parcel = Parcel::new(ToCoordinator::Reports {
            worker: self.worker,
            generation: self.generation,
            reports,
        });
        let Err(reason) = send_parcel(&self.coordinator, &parcel) else {
            return;
        };
        let reports = match parcel.into_inner() {
            Some(ToCoordinator::Reports { reports, .. }) => reports,
            _ => Vec::new(),
        };
        if reports.len() > 1 {
            // Possibly only one of the reports is too large.
            for report in reports {
                self.send(vec![report]);
            }
            return;
        }
        match reports.into_iter().next() {
            Some(report) if matches!(report.result, Ok(Some(_))) => {
                let reason = reason.clone();
                let result = Err(Box::new(TaskErrorKind::NotDeliverable { reason }));
                self.send(vec![AttemptReport { result, ..report }]);
            }
            _ => {
                // Without these reports, the coordinator would wait for ever. So this worker ends, and its
                // replacement runs the tasks that are not reported. If the coordinator is gone, there is nothing to
                // do anyway.
                eprintln!("ampeg: this worker cannot reach its coordinator: {reason}");
                sys::exit_now(104);
            }
        }
    }
}

impl Peer {
    fn flush(&mut self, from: ProcessorId) {
        if self.queued.is_empty() {
            return;
        }
        let next = Vec::with_capacity(self.queued.len());
        let values = replace(&mut self.queued, next);
        self.bytes = 0;
        if let Err(reason) = send(&self.sender, ToWorkerProcess::Values { from, values }) {
            // The other worker would wait for these results for ever. So this worker ends, and its replacement runs
            // the tasks that are not reported.
            eprintln!("ampeg: this worker cannot reach another one: {reason}");
            sys::exit_now(104);
        }
    }
}

/// The approximate bytes of a report, and its descriptors.
fn size(report: &AttemptReport) -> (u64, usize) {
    match &report.result {
        Ok(Some(payload)) => (OVERHEAD + payload.n_inline(), payload.n_descriptors()),
        _ => (OVERHEAD, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::message::{Content, Observed};
    use crate::testing::Deadline;
    use crate::value::payload::{Payload, SHARED_FROM};
    use ampeg_schedule::TaskId;
    use ipc_channel::TryRecvError;
    use ipc_channel::ipc::{IpcReceiver, channel};

    type Coordinator = IpcReceiver<Parcel<ToCoordinator>>;

    fn outbox() -> (Outbox, Coordinator) {
        let (sender, receiver) = channel().unwrap();
        (Outbox::new(sender, ProcessorId::new(3), 2), receiver)
    }

    /// The report of a task that ended at `finish`. A `finish` of 0 is long before the last message.
    fn ended(
        task: usize,
        finish: Timestamp,
        result: Result<Option<Payload>, TaskErrorKind>,
    ) -> AttemptReport {
        AttemptReport {
            run: 1,
            task: TaskId::new(task),
            attempt: 1,
            result: result.map_err(Box::new),
            will_retry: false,
            epoch: 0,
            observed: Observed::between(0, finish),
        }
    }

    fn quick(task: usize) -> AttemptReport {
        ended(task, 0, Ok(None))
    }

    fn reports(message: Parcel<ToCoordinator>) -> Vec<AttemptReport> {
        match message.into_inner() {
            Some(ToCoordinator::Reports {
                worker,
                generation,
                reports,
            }) => {
                assert_eq!((worker, generation), (ProcessorId::new(3), 2));
                reports
            }
            other => panic!("{other:?}"),
        }
    }

    fn task(report: &AttemptReport) -> usize {
        report.task.index()
    }

    /// The tasks in the next message, which must have arrived.
    fn sent_tasks(coordinator: &Coordinator) -> Vec<usize> {
        let message = coordinator.try_recv().unwrap();
        reports(message).iter().map(task).collect()
    }

    fn assert_nothing_was_sent(coordinator: &Coordinator) {
        let nothing = coordinator.try_recv();
        assert!(matches!(nothing, Err(TryRecvError::Empty)), "{nothing:?}");
    }

    #[test]
    fn late_report_is_sent_at_once_with_all_that_is_queued() {
        let (mut outbox, coordinator) = outbox();
        let after_a_while = || now() + Timestamp::from(u32::MAX);
        outbox.push(ended(0, after_a_while(), Ok(None)));
        assert_eq!(sent_tasks(&coordinator), [0]);
        outbox.push(quick(1));
        outbox.push(quick(2));
        assert_nothing_was_sent(&coordinator);
        outbox.push(ended(3, after_a_while(), Ok(None)));
        assert_eq!(sent_tasks(&coordinator), [1, 2, 3]);
    }

    #[test]
    fn queue_is_flushed_when_there_is_nothing_to_do() {
        let (mut outbox, coordinator) = outbox();
        outbox.flush();
        (0..5).for_each(|task| assert!(outbox.push(quick(task))));
        outbox.flush();
        assert_eq!(sent_tasks(&coordinator), [0, 1, 2, 3, 4]);
        outbox.flush();
        assert_nothing_was_sent(&coordinator);
    }

    #[test]
    fn queue_is_flushed_while_a_task_runs() {
        let _deadline = Deadline::seconds("outbox", 60);
        let (mut outbox, coordinator) = outbox();
        for round in 0..3 {
            outbox.push(quick(round));
            outbox.flush_soon();
            let message = coordinator.recv().unwrap();
            assert_eq!(task(&reports(message)[0]), round);
        }
    }

    #[test]
    fn failures_are_sent_at_once() {
        let (mut outbox, coordinator) = outbox();
        outbox.push(quick(0));
        outbox.push(ended(1, 0, Err(TaskErrorKind::Cancelled)));
        assert_eq!(sent_tasks(&coordinator), [0, 1]);
        outbox.push(quick(2));
        assert_nothing_was_sent(&coordinator);
    }

    #[test]
    fn small_results_are_sent_together_and_before_the_reports_of_their_tasks() {
        let (mut outbox, coordinator) = outbox();
        let (peer, results) = channel::<Parcel<ToWorkerProcess>>().unwrap();
        outbox.introduce(vec![(ProcessorId::new(1), peer)]);
        let sent = |results: &IpcReceiver<Parcel<ToWorkerProcess>>| match results
            .try_recv()
            .unwrap()
            .into_inner()
        {
            Some(ToWorkerProcess::Values { values, .. }) => {
                let tasks = values.iter().map(|value| value.task.index());
                tasks.collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        let value = |task, size| Value {
            run: 1,
            task: TaskId::new(task),
            content: Content::Whole(Payload::copied(&vec![1; size]).unwrap()),
            sent: 0,
        };
        for task in 0..3 {
            outbox
                .send_value(ProcessorId::new(1), value(task, 8))
                .unwrap();
            outbox.push(quick(task));
        }
        assert!(results.try_recv().is_err());
        // The worker waits for an input, and others may wait for these results.
        outbox.flush_values();
        assert_eq!(sent(&results), [0, 1, 2]);
        assert_nothing_was_sent(&coordinator);
        // A large result is sent at once, after the queued ones.
        outbox.send_value(ProcessorId::new(1), value(3, 8)).unwrap();
        outbox
            .send_value(ProcessorId::new(1), value(4, SHARED_FROM))
            .unwrap();
        assert_eq!((sent(&results), sent(&results)), (vec![3], vec![4]));
        outbox.send_value(ProcessorId::new(1), value(5, 8)).unwrap();
        outbox.push(quick(5));
        outbox.flush();
        assert_eq!(sent(&results), [5]);
        assert_eq!(sent_tasks(&coordinator), [0, 1, 2, 5]);
        // A worker that was not introduced gets nothing.
        outbox.send_value(ProcessorId::new(2), value(6, 8)).unwrap();
    }

    #[test]
    fn no_message_holds_more_than_the_system_takes() {
        let _deadline = Deadline::seconds("outbox", 60);
        for size in [10, 5_000, SHARED_FROM] {
            let (mut outbox, coordinator) = outbox();
            let payload = Payload::copied(&vec![1; size]).unwrap();
            let sender = thread::spawn(move || {
                for task in 0..3_000 {
                    outbox.push(ended(task, 0, Ok(Some(payload.clone()))));
                }
                outbox.flush();
            });
            let (mut n_messages, mut next) = (0, 0);
            while next < 3_000 {
                let batch = reports(coordinator.recv().unwrap());
                let sizes = batch.iter().map(super::size);
                let (bytes, descriptors) =
                    sizes.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
                assert!(bytes <= MAX_MESSAGE_BYTES && descriptors <= MAX_DESCRIPTORS);
                for report in batch {
                    assert_eq!(task(&report), next);
                    next += 1;
                }
                n_messages += 1;
            }
            assert!(n_messages < 300, "{n_messages}");
            sender.join().unwrap();
        }
    }
}
