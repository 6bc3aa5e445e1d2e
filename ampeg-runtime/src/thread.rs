//! Threads of ours in a process that belongs to somebody else.

use crate::{start, sys};
use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that no signal reaches: handlers are the caller's business, and run in the caller's threads.
///
/// A process that such a thread starts is out of the reach of signals as well, so that it must not start any.
pub(crate) fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let started = sys::without_signals(|| Builder::new().name(name.into()).spawn(body));
    started.map_err(start::explain)
}
