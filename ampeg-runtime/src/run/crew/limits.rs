//! Enforces time limits of tasks, and ends workers that should work but do not.
//!
//! A body that begins after a check cannot exceed its limit before the shortest limit of the graph has passed. So the
//! next check is at that time, or earlier when a running body reaches its limit. Workers therefore need not report
//! that a body has begun.

use super::Run;
use super::stuck::Watchdog;
use crate::base::clock::{Timestamp, instant, now};
use crate::base::logging;
use crate::plan::Plan;
use crate::run::coordinator::DueTask;
use crate::run::message::Observed;
use crate::run::progress::{Activity, Phase};
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::time::{Duration, Instant};

/// The time after which a worker is replaced if it does nothing, in addition to the limit of the task that it should
/// be running.
///
/// This affects workers that were stopped, or that hang in a destructor. The time is long, because decoding a large
/// input counts, too, and other programs may use the processor.
///
/// The same time applies to a worker that accepts no messages while others wait to send some. A working worker
/// accepts every message at once.
const RESPONSE_TIME: Duration = Duration::from_secs(10);
/// The same time for a task without a limit. Only the time until the task begins counts.
const UNLIMITED_RESPONSE_TIME: Duration = Duration::from_secs(30);
/// The time until the next check of a worker that has not begun with this run. It may begin another task of an ended
/// run before it receives the end of that run.
const ENTRY_TIME: Duration = Duration::from_millis(10);
/// The shortest time between two checks.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// The longest time between two checks. It is also the precision with which stops of this program are measured.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// A check that is this late means that this program was stopped.
const LATE: Duration = Duration::from_secs(1);

/// The state for the limits of one run.
#[derive(Debug)]
pub(super) struct Limits {
    /// The shortest limit of any task, or the time between checks if no task has a limit.
    interval: Duration,
    next_look: Timestamp,
    /// The end of the run's time limit. It is moved by the time for which this program was stopped.
    deadline: Option<Timestamp>,
    /// The intervals in which this program was stopped, most likely with its workers. They do not count for limits.
    stops: Vec<(Timestamp, Timestamp)>,
    /// By worker: the last activity that was seen.
    seen: Vec<Option<Seen>>,
    /// By worker that accepts no more messages: the number of messages it had received, and since when this number is
    /// the same.
    full: Vec<Option<(u64, Timestamp)>>,
    /// Whether some worker accepts no more messages, so that others may have to wait for it.
    somebody_is_full: bool,
}

/// The activity of a worker, and when it was first seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    activity: Activity,
    n_reports: u64,
    due: Option<DueTask>,
    /// The first time that this was seen, moved by the time for which this program was stopped.
    since: Timestamp,
}

impl Limits {
    pub(super) fn new(n_workers: usize, plan: &Plan, deadline: Option<Instant>) -> Self {
        let interval = plan.least_limit.unwrap_or(RESPONSE_TIME);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(instant()));
        Self {
            interval: interval.clamp(SHORTEST_WAIT, LONGEST_WAIT),
            next_look: now(),
            deadline: left.map(|left| now().saturating_add(nanoseconds(left))),
            stops: Vec::new(),
            seen: vec![None; n_workers],
            full: vec![None; n_workers],
            somebody_is_full: false,
        }
    }

    /// Drops the state of a worker that is gone.
    pub(super) fn forget(&mut self, worker: ProcessorId) {
        self.seen[worker.index()] = None;
        self.full[worker.index()] = None;
    }

    /// If this check is late, excludes the time for which this program was stopped.
    pub(super) fn excuse(&mut self, time: Timestamp) {
        let late = time.saturating_sub(self.next_look);
        if Duration::from_nanos(late) < LATE {
            return;
        }
        self.stops.push((self.next_look, time));
        self.next_look = time;
        self.deadline = self.deadline.map(|deadline| deadline.saturating_add(late));
        for seen in self.seen.iter_mut().flatten() {
            seen.since += late;
        }
        for (_, since) in self.full.iter_mut().flatten() {
            *since += late;
        }
    }

    /// The time between `start` and `finish` for which this program was stopped.
    fn stopped_between(&self, start: Timestamp, finish: Timestamp) -> Timestamp {
        let stops = self.stops.iter();
        let both = stops.map(|&(begin, end)| end.min(finish).saturating_sub(begin.max(start)));
        both.sum()
    }

    /// Removes from an attempt the time for which this program was stopped.
    pub(super) fn correct(&self, observed: &mut Observed) {
        if !self.stops.is_empty() {
            observed.start += self.stopped_between(observed.start, observed.finish);
        }
    }

    /// The time for which a worker has accepted no messages although others wait.
    fn see_full(
        &mut self,
        worker: ProcessorId,
        received: Option<u64>,
        time: Timestamp,
    ) -> Duration {
        let full = &mut self.full[worker.index()];
        let old = full.filter(|(old, _)| Some(*old) == received);
        *full = old.or(received.map(|received| (received, time)));
        let since = full.map_or(time, |(_, since)| since);
        Duration::from_nanos(time.saturating_sub(since))
    }

    /// The time since which a worker has had this activity.
    fn see(&mut self, worker: ProcessorId, mut new: Seen) -> Timestamp {
        let seen = self.seen[worker.index()];
        let is_same = |old: &Seen| {
            (old.activity, old.n_reports, old.due) == (new.activity, new.n_reports, new.due)
        };
        if let Some(old) = seen.filter(is_same) {
            return old.since;
        }
        if let Some(start) = new.activity.body_start {
            // The body may have begun before this program was stopped, or during the stop.
            new.since = start + self.stopped_between(start, new.since);
        }
        self.seen[worker.index()] = Some(new);
        new.since
    }
}

impl Run<'_> {
    /// The time until the next check, deadline or look of the watchdog.
    pub(super) fn timeout(&self, time: Timestamp) -> Option<Duration> {
        let left = |end: Timestamp| Duration::from_nanos(end.saturating_sub(time));
        let deadline = self.limits.deadline.map(left);
        let look = left(self.limits.next_look);
        let waits = [deadline, Some(look), Watchdog::wait()];
        waits.into_iter().flatten().min()
    }

    /// Whether the run has exceeded its time limit. `time` must have been passed to [`Limits::excuse`].
    pub(super) fn is_overdue(&self, time: Timestamp) -> bool {
        self.limits
            .deadline
            .is_some_and(|deadline| time >= deadline)
    }

    /// Kills workers whose tasks have exceeded their limits, and workers that do not begin a task that they should
    /// run.
    pub(super) fn enforce_limits(&mut self, time: Timestamp) -> Result<(), Error> {
        if time < self.limits.next_look {
            return Ok(());
        }
        let is_full = |worker| self.crew.cluster.is_full(worker);
        self.limits.somebody_is_full = self.workers().any(is_full);
        let mut wait = self.limits.interval;
        for worker in self.workers() {
            if self.crew.cluster.since(worker).is_some() {
                let waits = [self.look_at(worker, time), self.entry_time(worker)];
                wait = waits.into_iter().flatten().fold(wait, Duration::min);
            }
        }
        let wait = nanoseconds(wait.max(SHORTEST_WAIT));
        self.limits.next_look = time.saturating_add(wait);
        self.check_progress()
    }

    /// The time until a worker exceeds the limit of its current activity. Kills the worker if it has.
    fn look_at(&mut self, worker: ProcessorId, time: Timestamp) -> Option<Duration> {
        let activity = self.crew.cluster.activity(worker);
        let is_full = self.crew.cluster.is_full(worker);
        let received = is_full.then_some(activity.received);
        if self.limits.see_full(worker, received, time) >= RESPONSE_TIME {
            return Some(self.end_silent(worker, RESPONSE_TIME));
        }
        let due = self.coordinator.due_task(worker);
        let since = self.limits.see(
            worker,
            Seen {
                // Receiving messages alone is not work, so the number of messages does not count as a change.
                activity: Activity {
                    received: 0,
                    ..activity
                },
                n_reports: self.crew.members[worker.index()].n_reports,
                due,
                since: time,
            },
        );
        let spent = Duration::from_nanos(time.saturating_sub(since));
        if let (Some(running), Some(_)) = (activity.running_in(self.id), activity.body_start) {
            let limit = self.coordinator.limit(running.task)?;
            let left = limit.saturating_sub(spent);
            if left.is_zero() {
                let name = self.coordinator.name(running.task);
                logging::debug(format_args!(
                    "worker {worker} is ended: task `{name}` has exceeded its limit of {limit:?}"
                ));
                let cluster = &mut *self.crew.cluster;
                self.coordinator
                    .on_exceeded(worker, (running.task, limit), cluster);
            }
            return Some(left);
        }
        let allowed = self.response_time(&activity, due?)?;
        let left = allowed.saturating_sub(spent);
        if left.is_zero() {
            return Some(self.end_silent(worker, allowed));
        }
        Some(left)
    }

    /// Ends a worker that is still running a task of an ended run. Returns the time until the next check if the
    /// worker may still begin such a task.
    fn entry_time(&mut self, worker: ProcessorId) -> Option<Duration> {
        let activity = self.crew.cluster.activity(worker);
        if activity.run == self.id {
            return None;
        }
        if activity.running.is_some() && self.crew.cluster.kill(worker) {
            let reason = "it was running a task of a run that had ended, and was ended";
            logging::debug(format_args!("worker {worker}: {reason}"));
            self.crew.members[worker.index()].kill_reason = Some(reason.into());
        }
        self.coordinator.uses(worker).then_some(ENTRY_TIME)
    }

    /// Ends a worker that does nothing.
    fn end_silent(&mut self, worker: ProcessorId, allowed: Duration) -> Duration {
        if self.crew.cluster.kill(worker) {
            let reason = format!("it did nothing for {allowed:?} and was ended");
            logging::warn(format_args!("worker {worker}: {reason}"));
            self.crew.members[worker.index()].kill_reason = Some(reason);
        }
        RESPONSE_TIME
    }

    /// The time for which a worker may continue its current activity instead of the task that it should run; none if
    /// there is no limit.
    fn response_time(&self, activity: &Activity, due: DueTask) -> Option<Duration> {
        if self.limits.somebody_is_full {
            // The worker may be waiting for the full worker, and only the full one is at fault.
            return None;
        }
        let allowed = match (activity.phase, due.limit) {
            // Without a limit, the worker may take any time to decode, compute and encode.
            (Phase::Around | Phase::Body, None) => return None,
            (_, Some(limit)) => limit.saturating_add(RESPONSE_TIME),
            (Phase::Between | Phase::Sending | Phase::Waiting, None) => UNLIMITED_RESPONSE_TIME,
        };
        Some(allowed.saturating_add(self.plan.retry.wait_before(due.attempt)))
    }
}

fn nanoseconds(duration: Duration) -> Timestamp {
    Timestamp::try_from(duration.as_nanos()).unwrap_or(Timestamp::MAX)
}
