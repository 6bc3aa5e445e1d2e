//! Fault injection with real processes: whatever happens to workers, runs end, their values are right, and nothing is
//! left behind.

use super::*;

mod bars;
mod faulty;
mod hazards;
mod outside;
mod points;
mod soak;
mod traces;

/// Bounds of a run that begins now.
fn bounds_of(time: Duration, cancelled: &AtomicBool) -> Bounds<'_> {
    Bounds {
        deadline: Some(Instant::now() + time),
        cancelled,
    }
}
