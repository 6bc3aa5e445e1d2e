//! Moves messages between coordinator and workers, and starts and ends workers.
//!
//! The tests in `tests` run against every transport.

pub(crate) mod entry;
pub(crate) mod ipc;
pub(crate) mod local;
mod output;
pub(crate) mod process;
pub(crate) mod setup;
pub(crate) mod start;

#[cfg(test)]
mod tests;
