//! A watchdog for bugs in the protocol: in debug builds, a run that cannot make progress ends with an error.
//!
//! The first open step in the order of the plan has only inputs that are done. Each of these inputs is at the worker
//! of that step, on its way to the worker's present process, or being computed again there. So if every worker waits,
//! none is starting, and every report has arrived, that worker must have something to do.
//! A worker that was stopped from outside also seems to wait. The difference is that it does not accept a message.

use super::{Life, Run};
use crate::base::clock::instant;
use crate::base::run_error::RunErrorKind;
use crate::run::message::ToWorker;
use crate::run::progress::{Activity, Phase};
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::time::{Duration, Instant};

/// The time without any change after which workers are asked, and the time that they have to answer.
const QUIET: Duration = Duration::from_secs(10);

/// The state at the last look, and the time since which it is the same.
#[derive(Debug)]
pub(super) struct Watchdog {
    since: Instant,
    seen: Vec<(Activity, u64)>,
    /// By worker: the number of messages it had received when it was sent a message that changes nothing.
    asked: Option<Vec<u64>>,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self {
            since: instant(),
            seen: Vec::new(),
            asked: None,
        }
    }

    /// The time without a change.
    fn quiet(&self) -> Duration {
        instant().saturating_duration_since(self.since)
    }

    /// The time until the next look.
    pub(super) fn wait() -> Option<Duration> {
        cfg!(debug_assertions).then_some(QUIET)
    }
}

impl Run<'_> {
    /// Fails if tasks are open but nothing can happen any more.
    pub(super) fn check_progress(&mut self) -> Result<(), Error> {
        if !cfg!(debug_assertions) || self.watchdog.quiet() < QUIET {
            return Ok(());
        }
        let (received, seen) = self.look();
        let is_quiet = |(activity, n_reports): &(Activity, u64)| {
            activity.phase == Phase::Waiting && activity.reports == *n_reports
        };
        let members = &self.crew.members;
        let starts = members.iter().any(|member| member.life == Life::Starting);
        if starts || !seen.iter().all(is_quiet) || seen != self.watchdog.seen {
            self.watchdog = Watchdog {
                seen,
                ..Watchdog::new()
            };
            return Ok(());
        }
        let Some(asked) = &self.watchdog.asked else {
            for worker in self.workers() {
                let nothing = ToWorker::End { run: 0 };
                self.crew.cluster.send(worker, nothing);
            }
            self.watchdog = Watchdog {
                since: instant(),
                seen,
                asked: Some(received),
            };
            return Ok(());
        };
        let mut present = received.iter().zip(asked).zip(&self.crew.members);
        if present.all(|((now, then), member)| member.life == Life::Absent || now > then) {
            return Err(RunErrorKind::Stuck(self.coordinator.describe_open()).into());
        }
        Ok(())
    }

    /// By worker: the number of messages it has received, and the rest of its activity.
    fn look(&self) -> (Vec<u64>, Vec<(Activity, u64)>) {
        let members = self.crew.members.iter().zip(self.workers());
        let look = |(member, worker): (&super::Member, ProcessorId)| {
            let activity = self.crew.cluster.activity(worker);
            let rest = Activity {
                received: 0,
                ..activity
            };
            (activity.received, (rest, member.n_reports))
        };
        members.map(look).unzip()
    }
}
