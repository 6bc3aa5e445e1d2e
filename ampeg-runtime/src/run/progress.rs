//! The current activity of a worker, in memory that its coordinator can read even after the worker's death.
//!
//! The coordinator reads which task a dead worker was running, how long a body has been running, and how many reports
//! the worker has made, including reports that it has not sent yet. After these words, the memory has space for the
//! messages of panics in the current attempt.

use crate::base::clock::Timestamp;
use crate::base::panics::record::Record;
use crate::run::message::RunId;
use crate::sys::SharedWords;
use ampeg_schedule::TaskId;
use ipc_channel::ipc::IpcSharedMemory;
use std::sync::atomic::{AtomicU64, Ordering};

/// The phases of an attempt at a task, and of the time between attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The worker runs no task, but is active: it handles a message or drops values.
    #[default]
    Between = 0,
    /// The worker decodes inputs and captures, runs a body without a time limit, or encodes the result.
    Around = 1,
    /// The worker runs a body that has a time limit.
    Body = 2,
    /// The worker sends a result to other workers, and may have to wait for them. The attempt is over.
    Sending = 3,
    /// The worker waits for a message.
    Waiting = 4,
}

/// An attempt at a task that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) start: Timestamp,
}

/// The state of a worker at one moment, as its coordinator sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The run that the worker takes part in.
    pub(crate) run: RunId,
    pub(crate) phase: Phase,
    /// The current attempt; none between attempts.
    pub(crate) running: Option<Running>,
    /// The start of the current body, if the body has a time limit.
    pub(crate) body_start: Option<Timestamp>,
    /// The number of reports that the worker has made in its life.
    pub(crate) reports: u64,
    /// The number of messages that the worker has received in its life.
    pub(crate) received: u64,
}

impl Activity {
    /// The current attempt, if it belongs to this run.
    pub(crate) fn running_in(&self, run: RunId) -> Option<Running> {
        self.running.filter(|_| self.run == run)
    }
}

/// The words that one worker writes and its coordinator reads: one page of memory.
#[derive(Debug, Clone)]
pub(crate) struct Progress(SharedWords<512>);

/// The words by name. Task and attempt share one word, so that they are always read together.
struct Words<'a> {
    run: &'a AtomicU64,
    phase: &'a AtomicU64,
    running: &'a AtomicU64,
    start: &'a AtomicU64,
    body_start: &'a AtomicU64,
    reports: &'a AtomicU64,
    received: &'a AtomicU64,
    panics: Record<'a>,
}

impl Progress {
    /// New words for a worker that is a thread of the coordinator's process.
    pub(crate) fn own() -> Self {
        Self(SharedWords::own())
    }

    /// New words; fails if the system has no shared memory left.
    pub(crate) fn new() -> Result<Self, String> {
        SharedWords::new().map(Self)
    }

    /// The words in memory that a worker made.
    pub(crate) fn from_memory(memory: IpcSharedMemory) -> Result<Self, String> {
        SharedWords::from_memory(memory).map(Self)
    }

    /// The memory, to be sent to the coordinator; none if the worker is a thread.
    pub(crate) fn memory(&self) -> Option<IpcSharedMemory> {
        self.0.memory()
    }

    /// Records the run that the worker takes part in.
    pub(crate) fn enter(&self, run: RunId) {
        self.words().run.store(run, Ordering::Release);
    }

    /// Records the beginning of an attempt at a task.
    pub(crate) fn begin(&self, task: TaskId, attempt: u32, start: Timestamp) {
        let words = self.words();
        words.panics.clear();
        words.start.store(start, Ordering::Relaxed);
        words.phase.store(Phase::Around as u64, Ordering::Relaxed);
        let running = u64::from(attempt) << 32 | task.index() as u64;
        words.running.store(running, Ordering::Release);
    }

    /// Records the beginning of a body with a time limit.
    pub(crate) fn begin_body(&self, start: Timestamp) {
        let words = self.words();
        words.body_start.store(start, Ordering::Release);
        words.phase.store(Phase::Body as u64, Ordering::Release);
    }

    /// Records the end of a body with a time limit.
    pub(crate) fn end_body(&self) {
        let words = self.words();
        words.phase.store(Phase::Around as u64, Ordering::Release);
        words.body_start.store(0, Ordering::Release);
    }

    /// Records the end of an attempt. The worker then sends the result.
    pub(crate) fn end(&self) {
        self.words().panics.clear();
        self.words().running.store(0, Ordering::Release);
        self.enter_phase(Phase::Sending);
    }

    /// Records the current phase while no task is running.
    pub(crate) fn enter_phase(&self, phase: Phase) {
        self.words().phase.store(phase as u64, Ordering::Release);
    }

    /// Counts a report when it is made. It may be sent later.
    pub(crate) fn count_report(&self) {
        add_one(self.words().reports);
    }

    /// Counts a message that was received. Only the thread that owns the channel may call this.
    pub(crate) fn count_received(&self) {
        add_one(self.words().received);
    }

    /// Records the text of a panic. Any thread of the worker may call this.
    pub(crate) fn note_panic(&self, text: &str) {
        self.words().panics.push(text);
    }

    /// The panics in the current attempt, or since the last one.
    pub(crate) fn panics(&self) -> Vec<String> {
        self.words().panics.texts()
    }

    /// The current activity of the worker, or its last activity if it has died.
    pub(crate) fn activity(&self) -> Activity {
        let words = self.words();
        // The words in between belong to one attempt if `running` is the same before and after.
        loop {
            let before = words.running.load(Ordering::Acquire);
            let phase = words.phase.load(Ordering::Acquire);
            let start = words.start.load(Ordering::Acquire);
            let body_start = words.body_start.load(Ordering::Acquire);
            let activity = Activity {
                run: words.run.load(Ordering::Acquire),
                phase: match phase {
                    1 => Phase::Around,
                    2 => Phase::Body,
                    3 => Phase::Sending,
                    4 => Phase::Waiting,
                    _ => Phase::Between,
                },
                running: running(before, start),
                body_start: Some(body_start).filter(|&start| start > 0 && before > 0),
                reports: words.reports.load(Ordering::Acquire),
                received: words.received.load(Ordering::Acquire),
            };
            if words.running.load(Ordering::Acquire) == before {
                return activity;
            }
        }
    }

    fn words(&self) -> Words<'_> {
        let [
            run,
            phase,
            running,
            start,
            body_start,
            reports,
            received,
            panics @ ..,
        ] = self.0.words();
        Words {
            run,
            phase,
            running,
            start,
            body_start,
            reports,
            received,
            panics: Record::new(panics),
        }
    }
}

/// Adds 1 to a word that only one thread writes at a time.
fn add_one(word: &AtomicU64) {
    word.store(word.load(Ordering::Relaxed) + 1, Ordering::Release);
}

fn running(word: u64, start: Timestamp) -> Option<Running> {
    let attempt = u32::try_from(word >> 32).ok()?;
    let task = usize::try_from(word & u64::from(u32::MAX)).ok()?;
    (attempt > 0).then(|| Running {
        task: TaskId::new(task),
        attempt,
        start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinator_sees_what_is_running() {
        let worker = Progress::new().unwrap();
        let coordinator = Progress::from_memory(worker.memory().unwrap()).unwrap();
        assert_eq!(coordinator.activity().running, None);
        worker.enter(5);
        for (task, attempt) in [(0, 1), (70_000, 3)] {
            let task = TaskId::new(task);
            worker.begin(task, attempt, 17);
            let running = Running {
                task,
                attempt,
                start: 17,
            };
            let activity = coordinator.activity();
            assert_eq!(activity.running_in(5), Some(running));
            assert_eq!(activity.running_in(4), None);
            assert_eq!((activity.phase, activity.body_start), (Phase::Around, None));
            worker.begin_body(19);
            let activity = coordinator.activity();
            assert_eq!(
                (activity.phase, activity.body_start),
                (Phase::Body, Some(19))
            );
            worker.end_body();
            assert_eq!(coordinator.activity().body_start, None);
        }
        worker.end();
        worker.count_report();
        let activity = coordinator.activity();
        assert_eq!((activity.running, activity.reports), (None, 1));
        assert_eq!(activity.phase, Phase::Sending);
    }

    #[test]
    fn coordinator_sees_what_panicked_in_the_attempt_that_is_running() {
        let worker = Progress::new().unwrap();
        let coordinator = Progress::from_memory(worker.memory().unwrap()).unwrap();
        worker.note_panic("between");
        worker.begin(TaskId::new(0), 1, 17);
        assert!(coordinator.panics().is_empty());
        worker.note_panic("first");
        worker.note_panic("second");
        assert_eq!(coordinator.panics(), ["first", "second"]);
        worker.end();
        assert!(coordinator.panics().is_empty());
    }
}
