//! Time limits of tasks, kept by looking at what workers are doing.
//!
//! A body that begins after a look cannot exceed its limit before the least limit of the graph has passed; so the next
//! look is at that time at the latest, or when a body that is running now reaches its limit.

use super::Run;
use super::stuck::Watchdog;
use crate::clock::{instant, now};
use crate::coordinator::DueTask;
use crate::error::Error;
use crate::id::ProcessorId;
use crate::message::Timestamp;
use crate::plan::{Plan, backoff_before};
use crate::progress::{Activity, Phase};
use std::time::{Duration, Instant};

/// How long a worker may take, beyond the limit of the task that it should be running, to do anything at all.
///
/// A worker that was stopped, or that hangs in a destructor, is replaced after that time.
/// It is long, since decoding a large input counts too, and other programs may want the processor.
const RESPONSE_TIME: Duration = Duration::from_secs(10);
/// Looks are no closer to each other than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What the limits of one run need.
#[derive(Debug)]
pub(super) struct Limits {
    /// The least limit of any task; none if no task has one.
    least: Option<Duration>,
    next_look: Timestamp,
    /// By worker: the task that it should be running, and since when it has done nothing.
    silent: Vec<Option<Silence>>,
}

/// A worker that should be running a task, as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Silence {
    due: DueTask,
    seen: Activity,
    n_reports: u64,
    since: Timestamp,
}

impl Limits {
    pub(super) fn new(n_workers: usize, plan: &Plan) -> Self {
        Self {
            least: plan.least_limit,
            next_look: now(),
            silent: vec![None; n_workers],
        }
    }

    /// A worker is gone.
    pub(super) fn forget(&mut self, worker: ProcessorId) {
        self.silent[worker.index()] = None;
    }

    /// How long until the next look.
    fn wait(&self) -> Option<Duration> {
        self.least?;
        Some(Duration::from_nanos(self.next_look.saturating_sub(now())))
    }
}

impl Run<'_> {
    /// How long to wait for the next event.
    pub(super) fn timeout(&self, deadline: Option<Instant>) -> Option<Duration> {
        let deadline = deadline.map(|it| it.saturating_duration_since(instant()));
        let waits = [deadline, self.limits.wait(), Watchdog::wait()];
        waits.into_iter().flatten().min()
    }

    /// Kills the workers whose tasks have exceeded their limits, and those that do not begin with such a task.
    pub(super) fn enforce_limits(&mut self) -> Result<(), Error> {
        let Some(least) = self.limits.least else {
            return self.check_progress();
        };
        let time = now();
        if time < self.limits.next_look {
            return Ok(());
        }
        let mut wait = least;
        for worker in self.workers() {
            if self.crew.cluster.since(worker).is_some() {
                wait = wait.min(self.look_at(worker, time).unwrap_or(least));
            }
        }
        self.limits.next_look = time.saturating_add(nanoseconds(wait.max(SHORTEST_WAIT)));
        self.check_progress()
    }

    /// How long until a worker exceeds a limit; kills it if it has.
    fn look_at(&mut self, worker: ProcessorId, time: Timestamp) -> Option<Duration> {
        let activity = self.crew.cluster.activity(worker);
        if let (Some(running), Some(start)) = (activity.running_in(self.id), activity.body_start) {
            self.limits.forget(worker);
            let limit = self.coordinator.limit(running.task)?;
            let left = limit.saturating_sub(Duration::from_nanos(time.saturating_sub(start)));
            if left.is_zero() {
                let cluster = &mut *self.crew.cluster;
                self.coordinator
                    .on_exceeded(worker, (running.task, limit), cluster);
            }
            return Some(left).filter(|left| !left.is_zero());
        }
        self.look_at_silent(worker, activity, time)
    }

    /// How long until a worker has waited for too long to begin with a task that it should be running.
    fn look_at_silent(
        &mut self,
        worker: ProcessorId,
        seen: Activity,
        time: Timestamp,
    ) -> Option<Duration> {
        let due = self.coordinator.due_with_limit(worker);
        let Some(due) = due.filter(|_| seen.phase != Phase::Sending) else {
            self.limits.forget(worker);
            return None;
        };
        let member = &mut self.crew.members[worker.index()];
        let silence = &mut self.limits.silent[worker.index()];
        let now_seen = Silence {
            due,
            seen,
            n_reports: member.n_reports,
            since: silence.map_or(time, |silence| silence.since),
        };
        if *silence != Some(now_seen) {
            *silence = Some(Silence {
                since: time,
                ..now_seen
            });
        }
        let since = silence.map_or(time, |silence| silence.since);
        let waits = backoff_before(due.attempt, self.plan.backoff);
        let allowed = due
            .limit
            .saturating_add(RESPONSE_TIME)
            .saturating_add(waits);
        let left = allowed.saturating_sub(Duration::from_nanos(time.saturating_sub(since)));
        if left.is_zero() && self.crew.cluster.kill(worker) {
            let reason = format!("it did nothing for {allowed:?} and was replaced");
            member.kill_reason = Some(reason);
        }
        Some(left).filter(|left| !left.is_zero())
    }
}

fn nanoseconds(duration: Duration) -> Timestamp {
    Timestamp::try_from(duration.as_nanos()).unwrap_or(Timestamp::MAX)
}
