//! Ids, errors, panics and the clock, for all other modules. It imports nothing of this crate.

pub(crate) mod arc;
pub(crate) mod bounded;
pub(crate) mod clock;
pub(crate) mod failure;
pub(crate) mod logging;
pub(crate) mod panics;
pub(crate) mod run_error;
pub(crate) mod screen;
pub(crate) mod signal;
