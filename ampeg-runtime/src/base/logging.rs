//! Lines for the program's logger, if it has one: how workers start, end and are replaced, and what that takes.
//!
//! They go to the target `ampeg`. Without a logger, or with a higher level, a line costs one comparison.

use crate::base::panics;
use log::Level;
use std::fmt;

/// Something that happens in the course of a run.
pub(crate) fn debug(message: fmt::Arguments<'_>) {
    write(Level::Debug, message);
}

/// Something that should not happen, and that does not stop the run.
pub(crate) fn warn(message: fmt::Arguments<'_>) {
    write(Level::Warn, message);
}

fn write(level: Level, message: fmt::Arguments<'_>) {
    if level <= log::max_level() {
        // A logger is code of the user's: if it panics, the run goes on.
        let _ = panics::catch(|| log::log!(target: "ampeg", level, "{message}"));
    }
}
