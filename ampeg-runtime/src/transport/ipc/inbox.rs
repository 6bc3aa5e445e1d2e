//! Receives the messages of a worker, in the main thread or, while that thread is busy, in a second thread, the
//! helper.
//!
//! A waiting worker receives in its main thread, so that a message wakes one thread and not two. While the main
//! thread is busy, the helper receives, because a sender must wait when the buffer of the channel is full. Tiny tasks
//! end before the helper begins.

use super::ToWorkerProcess;
use super::parcel::{Loss, Parcel, receive};
use crate::base::clock::{Timestamp, now};
use crate::run::progress::Progress;
use crate::sys;
use ipc_channel::ipc::IpcReceiver;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::Duration;

/// The time after which the helper receives for a busy main thread. Waking a thread costs more than a tiny task.
const BUSY_LIMIT: Duration = Duration::from_millis(1);

/// A message, and the time at which it arrived.
type Received = (ToWorkerProcess, Timestamp);

/// The inbound channel of a worker, as its main thread sees it.
#[derive(Debug)]
pub(super) struct Inbox {
    shared: Arc<InboxState>,
    helper: Thread,
    /// The messages that the helper has received, and notices that it has released the channel.
    passed_on: Receiver<PassedOn>,
}

#[derive(Debug)]
enum PassedOn {
    Message(Received),
    /// The helper has released the channel.
    Free,
}

#[derive(Debug)]
struct InboxState {
    /// The thread that holds the lock receives.
    channel: Mutex<IpcReceiver<Parcel<ToWorkerProcess>>>,
    /// Increased when the main thread begins and ends a wait for a message. The number is odd during a wait.
    waits: AtomicU64,
    /// Whether the helper sleeps until it is woken.
    asleep: AtomicBool,
    progress: Progress,
}

impl Inbox {
    /// Starts the helper; fails if the system refuses a thread.
    pub(super) fn new(
        inbound: IpcReceiver<Parcel<ToWorkerProcess>>,
        progress: Progress,
    ) -> Result<Self, String> {
        let shared = Arc::new(InboxState {
            channel: Mutex::new(inbound),
            waits: AtomicU64::new(1),
            asleep: AtomicBool::new(false),
            progress,
        });
        let (sender, passed_on) = channel();
        let its = Arc::clone(&shared);
        let body = move || while its.receive_while_busy(&sender).is_some() {};
        let helper = sys::thread::spawn("ampeg receive", body);
        let helper = helper.map_err(|error| error.to_string())?;
        Ok(Self {
            shared,
            helper: helper.thread().clone(),
            passed_on,
        })
    }

    /// Waits for the next message; none if no sender is left.
    pub(super) fn next(&mut self) -> Option<Received> {
        self.shared.waits.fetch_or(1, Ordering::SeqCst);
        let message = self.wait();
        self.shared.waits.fetch_add(1, Ordering::SeqCst);
        message
    }

    /// The next message that the helper has received, if there is one.
    pub(super) fn next_passed_on(&mut self) -> Result<Received, TryRecvError> {
        loop {
            if let PassedOn::Message(message) = self.passed_on.try_recv()? {
                return Ok(message);
            }
        }
    }

    /// Called when the main thread becomes busy, or may have to wait for other workers. Wakes the helper if it
    /// sleeps.
    pub(super) fn be_busy(&self) {
        let asleep = &self.shared.asleep;
        if asleep.load(Ordering::SeqCst) && asleep.swap(false, Ordering::SeqCst) {
            self.helper.unpark();
        }
    }

    fn wait(&mut self) -> Option<Received> {
        loop {
            match self.next_passed_on() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if let Ok(channel) = self.shared.channel.try_lock() {
                // The helper may have passed on more messages before it released the channel.
                return match self.passed_on.try_recv() {
                    Ok(PassedOn::Message(message)) => Some(message),
                    Ok(PassedOn::Free) => continue,
                    Err(_) => self.shared.take(&channel),
                };
            }
            // The helper holds the channel. It passes on a message, or a notice that it has released the channel.
            if let PassedOn::Message(message) = self.passed_on.recv().ok()? {
                return Some(message);
            }
        }
    }
}

impl InboxState {
    /// Receives in place of the main thread while that one is busy; none if no message can arrive any more.
    fn receive_while_busy(&self, pass_on: &Sender<PassedOn>) -> Option<()> {
        let busy = self.sleep_until_busy();
        thread::sleep(BUSY_LIMIT);
        if self.waits.load(Ordering::SeqCst) != busy {
            return Some(());
        }
        let Ok(channel) = self.channel.try_lock() else {
            return Some(());
        };
        while self.is_busy().is_some() {
            let message = self.take(&channel)?;
            pass_on.send(PassedOn::Message(message)).ok()?;
        }
        // Release the channel before the report, so that the receiver of the report finds it free.
        drop(channel);
        pass_on.send(PassedOn::Free).ok()
    }

    /// Waits until the main thread is busy. Returns the value of `waits` at that time.
    fn sleep_until_busy(&self) -> u64 {
        loop {
            // This sets `asleep` and then reads `waits`. A main thread that becomes busy changes `waits` and then
            // reads `asleep`. So at least one of the two sees the change of the other.
            self.asleep.store(true, Ordering::SeqCst);
            if let Some(waits) = self.is_busy() {
                self.asleep.store(false, Ordering::SeqCst);
                return waits;
            }
            thread::park();
        }
    }

    fn take(&self, channel: &IpcReceiver<Parcel<ToWorkerProcess>>) -> Option<Received> {
        match receive(channel)? {
            Ok(message) => {
                self.progress.count_received();
                Some((message, now()))
            }
            Err(Loss::Message(reason) | Loss::Channel(reason)) => {
                // Without this message, the worker could wait for ever. So it ends, and its replacement gets
                // everything that it needs.
                eprintln!("ampeg: a message to this worker is lost: {reason}");
                sys::exit_now(103);
            }
        }
    }

    /// The value of `waits`, if the main thread is not waiting.
    fn is_busy(&self) -> Option<u64> {
        let waits = self.waits.load(Ordering::SeqCst);
        waits.is_multiple_of(2).then_some(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::message::ToWorker;
    use crate::testing::Deadline;
    use ipc_channel::ipc::{self, IpcSender};

    fn inbox() -> (IpcSender<Parcel<ToWorkerProcess>>, Inbox) {
        let (sender, receiver) = ipc::channel().unwrap();
        (
            sender,
            Inbox::new(receiver, Progress::new().unwrap()).unwrap(),
        )
    }

    fn send(sender: &IpcSender<Parcel<ToWorkerProcess>>, run: u64) {
        let message = ToWorkerProcess::Message(ToWorker::End { run });
        sender.send(Parcel::new(message)).unwrap();
    }

    fn number((message, _): Received) -> u64 {
        match message {
            ToWorkerProcess::Message(ToWorker::End { run }) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_arrive_in_order_in_both_threads() {
        const MESSAGES: u64 = 20_000;
        let _deadline = Deadline::seconds("inbox", 120);
        let (sender, mut inbox) = inbox();
        let sender = thread::spawn(move || (0..MESSAGES).for_each(|run| send(&sender, run)));
        let mut random = fastrand::Rng::with_seed(3);
        let mut next = 0;
        while let Some(message) = inbox.next() {
            assert_eq!(number(message), next);
            next += 1;
            if random.u8(..) < 3 {
                // Busy until the helper has passed on a message. It does so although nobody waits.
                inbox.be_busy();
                while next < MESSAGES {
                    if let Ok(message) = inbox.next_passed_on() {
                        assert_eq!(number(message), next);
                        next += 1;
                        break;
                    }
                    thread::yield_now();
                }
            }
        }
        assert_eq!(next, MESSAGES);
        sender.join().unwrap();
    }

    #[test]
    fn senders_need_not_wait_for_a_busy_worker() {
        let _deadline = Deadline::seconds("inbox", 120);
        let (sender, mut inbox) = inbox();
        send(&sender, 0);
        assert_eq!(inbox.next().map(number), Some(0));
        inbox.be_busy();
        // Far more than the buffer of a socket holds.
        (1..10_000).for_each(|run| send(&sender, run));
        drop(sender);
        for run in 1..10_000 {
            assert_eq!(inbox.next().map(number), Some(run));
        }
        assert!(inbox.next().is_none());
    }
}
