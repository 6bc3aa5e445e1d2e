//! A clock that all processes of one machine share, so that what they saw can be put on one axis.

use crate::message::Timestamp;

/// Nanoseconds since some moment before this machine's processes started.
#[cfg(unix)]
pub(crate) fn now() -> Timestamp {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Nanoseconds since 1970.
#[cfg(not(unix))]
pub(crate) fn now() -> Timestamp {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
