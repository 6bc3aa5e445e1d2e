//! A watchdog for mistakes in the protocol: in debug builds, a run without possible progress reports itself and ends.
//!
//! Of all open steps, the first one in the order of the plan has all its inputs done. Each of them is at the worker of
//! that step, on its way to its present process, or being computed again there. So if every worker waits, none is
//! starting, and every report has come in, that worker must have something to do.
//! A worker that was stopped from outside looks as if it waited; it differs in that it does not accept a message.

use super::{Life, Run};
use crate::base::clock::instant;
use crate::base::run_error::RunErrorKind;
use crate::run::message::ToWorker;
use crate::run::progress::{Activity, Phase};
use ampeg_schedule::Error;
use ampeg_schedule::ProcessorId;
use std::time::{Duration, Instant};

/// How long nothing must happen at all before workers are asked, and how long they have to answer.
const QUIET: Duration = Duration::from_secs(10);

/// What was seen the last time, and when that was first so.
#[derive(Debug)]
pub(super) struct Watchdog {
    since: Instant,
    seen: Vec<(Activity, u64)>,
    /// By worker, how many messages it had received when it was sent one that changes nothing.
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

    /// How long nothing has changed, as far as was seen.
    fn quiet(&self) -> Duration {
        instant().saturating_duration_since(self.since)
    }

    /// How long until the next look.
    pub(super) fn wait() -> Option<Duration> {
        cfg!(debug_assertions).then_some(QUIET)
    }
}

impl Run<'_> {
    /// Fails if nothing can happen any more although tasks are open.
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

    /// How many messages each worker has received, and what it does apart from that.
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
