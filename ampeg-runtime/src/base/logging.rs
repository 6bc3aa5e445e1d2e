//! Writes to the program's logger, if it has one: how workers start, end and are replaced, and how long that takes.
//!
//! The target of each record is `ampeg`. Without a logger, or above its level, a record costs one comparison.

use crate::base::panics;
use log::Level;
use std::fmt;

/// Logs an ordinary event of a run.
pub(crate) fn debug(message: fmt::Arguments<'_>) {
    write(Level::Debug, message);
}

/// Logs an unexpected event that does not stop the run.
pub(crate) fn warn(message: fmt::Arguments<'_>) {
    write(Level::Warn, message);
}

fn write(level: Level, message: fmt::Arguments<'_>) {
    if level <= log::max_level() {
        // A logger is user code: if it panics, the run continues.
        let _ = panics::catch(|| log::log!(target: "ampeg", level, "{message}"));
    }
}
