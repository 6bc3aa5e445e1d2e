//! The pipes of workers, each read by its own thread.
//!
//! Output that is in a pipe at the end of a run may be printed later, since a read from the pipe may block.

use super::{OutputState, State};
use crate::sys::thread;
use std::io::{self, Read};
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The end of a pipe to which a worker writes, until its thread takes it.
pub(crate) struct Pipe(Option<Box<dyn Read + Send>>);

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pipe")
    }
}

impl From<ChildStdout> for Pipe {
    fn from(pipe: ChildStdout) -> Self {
        Self(Some(Box::new(pipe)))
    }
}

impl From<ChildStderr> for Pipe {
    fn from(pipe: ChildStderr) -> Self {
        Self(Some(Box::new(pipe)))
    }
}

/// Whether the thread of the pool has work.
#[derive(Debug, Default)]
struct News {
    are_there: Mutex<bool>,
    news: Condvar,
}

#[derive(Debug)]
pub(super) struct Waker(Arc<News>);

#[derive(Debug)]
pub(super) struct Woken(Arc<News>);

#[allow(clippy::unnecessary_wraps, reason = "elsewhere it takes descriptors")]
pub(super) fn waker() -> io::Result<(Waker, Woken)> {
    let news = Arc::<News>::default();
    Ok((Waker(Arc::clone(&news)), Woken(news)))
}

impl Waker {
    pub(super) fn wake(&self) {
        *self
            .0
            .are_there
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.0.news.notify_one();
    }
}

/// Starts the thread that reads a pipe.
pub(super) fn attach(shared: &Arc<OutputState>, number: u64, mut pipe: Pipe) -> io::Result<Pipe> {
    let shared = Arc::clone(shared);
    if let Some(mut reader) = pipe.0.take() {
        thread::spawn("ampeg output", move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let length = reader.read(&mut buffer).unwrap_or(0);
                shared.lock().take_in(number, &buffer[..length]);
                shared.pass_on();
                if length == 0 {
                    return;
                }
            }
        })?;
    }
    Ok(pipe)
}

/// A pipe cannot be polled on this system.
#[derive(Debug)]
pub(super) struct Watch;

#[allow(clippy::unnecessary_wraps, reason = "elsewhere it takes descriptors")]
impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn add(&self, _: &Pipe) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove(&self, _: &Pipe) {}
}

/// Prints the buffered output as long as the pool exists.
pub(super) fn attend(shared: &OutputState, woken: &Woken) {
    while !shared.lock().is_closed {
        let are_there = woken.0.are_there.lock();
        let waited = woken.0.news.wait_while(
            are_there.unwrap_or_else(PoisonError::into_inner),
            |are_there| !*are_there,
        );
        *waited.unwrap_or_else(PoisonError::into_inner) = false;
        shared.pass_on();
    }
}

pub(super) fn drain(_: &mut State) {}
