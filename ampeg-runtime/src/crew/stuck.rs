//! A watchdog for mistakes in the protocol: in debug builds, a run that can never go on says so and ends.
//!
//! Of all open steps, the first one in the order of the plan has all its inputs done. Each of them is at the worker of
//! that step, on its way to its present process, or being computed again there. So if nothing is running, nothing is
//! starting, and every report has come in, that worker must begin soon.

use super::{Life, Run};
use crate::clock::instant;
use crate::error::Error;
use crate::progress::{Activity, Phase};
use crate::run_error::RunErrorKind;
use std::time::{Duration, Instant};

/// How long nothing must happen at all.
const QUIET: Duration = Duration::from_secs(30);

/// What was seen the last time, and when that was first so.
#[derive(Debug)]
pub(super) struct Watchdog {
    since: Instant,
    seen: Vec<(Activity, u64)>,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self {
            since: instant(),
            seen: Vec::new(),
        }
    }

    /// How long nothing has changed, as far as was seen.
    fn quiet(&self) -> Duration {
        instant().saturating_duration_since(self.since)
    }

    /// How long until the next look.
    pub(super) fn wait() -> Option<Duration> {
        cfg!(debug_assertions).then_some(QUIET / 3)
    }
}

impl Run<'_> {
    /// Fails if nothing can happen any more although tasks are open.
    pub(super) fn check_progress(&mut self) -> Result<(), Error> {
        if !cfg!(debug_assertions) || self.watchdog.quiet() < QUIET / 3 {
            return Ok(());
        }
        let members = self.crew.members.iter().zip(self.workers());
        let seen: Vec<_> = members
            .map(|(member, worker)| (self.crew.cluster.activity(worker), member.n_reports))
            .collect();
        let is_quiet = |(activity, n_reports): &(Activity, u64)| {
            activity.phase == Phase::Idle && activity.reports == *n_reports
        };
        let starts = self
            .crew
            .members
            .iter()
            .any(|member| member.life == Life::Starting);
        if starts || !seen.iter().all(is_quiet) || seen != self.watchdog.seen {
            self.watchdog = Watchdog {
                since: instant(),
                seen,
            };
        } else if self.watchdog.quiet() >= QUIET {
            return Err(RunErrorKind::Stuck(self.coordinator.describe_open()).into());
        }
        Ok(())
    }
}
