//! A clock that all processes of a machine share, so that their times are comparable.

use std::time::Instant;

/// Nanoseconds on a clock that all processes of this machine share.
pub(crate) type Timestamp = u64;

/// Nanoseconds since a fixed moment before any process of this machine started.
pub(crate) fn now() -> Timestamp {
    #[cfg(test)]
    if let Some(time) = simulated::time() {
        return time;
    }
    real()
}

/// The current time as an [`Instant`], for deadlines.
pub(crate) fn instant() -> Instant {
    #[cfg(test)]
    if let Some(instant) = simulated::instant() {
        return instant;
    }
    Instant::now()
}

#[cfg(unix)]
fn real() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Nanoseconds since 1970.
#[cfg(not(unix))]
fn real() -> Timestamp {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// A clock that a test sets by hand. Each thread has its own.
#[cfg(test)]
pub(crate) mod simulated {
    use super::Timestamp;
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    thread_local! {
        static TIME: Cell<Option<Timestamp>> = const { Cell::new(None) };
        /// The instant of time zero.
        static START: Instant = Instant::now();
    }

    /// Sets the clock of this thread. `None` makes this thread use the real clock again.
    pub(crate) fn set(time: Option<Timestamp>) {
        TIME.set(time);
    }

    pub(super) fn time() -> Option<Timestamp> {
        TIME.get()
    }

    pub(super) fn instant() -> Option<Instant> {
        let since_start = Duration::from_nanos(TIME.get()?);
        Some(START.with(|start| *start + since_start))
    }
}
