//! The time of a run, by activity of the workers.

use super::{Attempt, Report};
use ampeg_schedule::Schedule;
use std::fmt;
use std::time::Duration;

/// The time of all workers in one run, by activity.
///
/// ```
/// let outcome = ampeg::graph! {
///     a = vec![1_u64; 1000];
///     b = a.iter().sum::<u64>();
/// }
/// .run(2)?;
/// let breakdown = outcome.report().breakdown();
/// assert_eq!(breakdown.total(), 2 * outcome.report().duration());
/// assert!(breakdown.idle > breakdown.encoding); // one of two workers had nothing to do
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a breakdown does nothing until it is read or printed"]
pub struct Breakdown {
    /// Running bodies, including those of failed attempts, and encoding outputs.
    pub computation: Duration,
    /// Encoding results that only other workers needed.
    pub encoding: Duration,
    /// Decoding results of other workers, and captured values.
    pub decoding: Duration,
    /// Waiting for results or for the end of the run, and the overhead of the runtime.
    pub idle: Duration,
}

impl Breakdown {
    /// The time of all workers together.
    pub fn total(&self) -> Duration {
        self.computation + self.encoding + self.decoding + self.idle
    }
}

impl fmt::Display for Breakdown {
    /// Writes, for example, `workers computed 81.0 % of the time, encoded 5.0 %, decoded 1.0 %, and were idle 13.0
    /// %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total().as_secs_f64().max(f64::MIN_POSITIVE);
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / total;
        write!(
            f,
            "workers computed {:.1} % of the time, encoded {:.1} %, decoded {:.1} %, and were idle {:.1} %",
            percent(self.computation),
            percent(self.encoding),
            percent(self.decoding),
            percent(self.idle)
        )
    }
}

impl Report {
    /// The time of all workers, by activity.
    pub fn breakdown(&self) -> Breakdown {
        let n_workers = self.schedule().map_or(1, Schedule::n_processors);
        let all = u32::try_from(n_workers).map_or(Duration::MAX, |n| self.duration() * n);
        let sum = |of: fn(&Attempt) -> Duration| self.attempts().iter().map(of).sum();
        let computation = sum(Attempt::computation);
        let encoding = sum(|attempt| attempt.encoding);
        let decoding: Duration = sum(|attempt| attempt.decoding);
        Breakdown {
            computation,
            encoding,
            decoding,
            idle: all.saturating_sub(computation + encoding + decoding),
        }
    }
}
