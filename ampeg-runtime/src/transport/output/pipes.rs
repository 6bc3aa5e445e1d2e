//! The pipes of workers. One thread reads them, and so do threads that need all output at once.

use super::{OutputState, State};
#[cfg(target_os = "linux")]
use rustix::event::epoll;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use std::io::{self, PipeReader, PipeWriter};
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The end of a pipe to which a worker writes. The reader holds the other end.
#[derive(Debug, Clone)]
pub(crate) struct Pipe(Arc<OwnedFd>);

impl From<ChildStdout> for Pipe {
    fn from(pipe: ChildStdout) -> Self {
        Self(Arc::new(pipe.into()))
    }
}

impl From<ChildStderr> for Pipe {
    fn from(pipe: ChildStderr) -> Self {
        Self(Arc::new(pipe.into()))
    }
}

/// The number of bytes to read at once, which is the usual capacity of a pipe.
const AT_ONCE: usize = 64 * 1024;
/// The largest number of rounds through all pipes. An endless process may fill its pipe again and again.
const MOST_READS: usize = 16;
/// The wait when the system is short of memory.
const SHORTAGE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Waker {
    is_woken: Arc<AtomicBool>,
    pipe: PipeWriter,
}

#[derive(Debug)]
pub(super) struct Woken {
    is_woken: Arc<AtomicBool>,
    pipe: PipeReader,
}

pub(super) fn waker() -> io::Result<(Waker, Woken)> {
    let (reader, writer) = io::pipe()?;
    let is_woken = Arc::<AtomicBool>::default();
    let its = Arc::clone(&is_woken);
    Ok((
        Waker {
            is_woken,
            pipe: writer,
        },
        Woken {
            is_woken: its,
            pipe: reader,
        },
    ))
}

impl Waker {
    pub(super) fn wake(&self) {
        // One byte is enough, and never fills the pipe.
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            let _ = retry_on_intr(|| write(&self.pipe, &[0]));
        }
    }
}

impl Woken {
    fn clear(&self) {
        let _ = retry_on_intr(|| read(&self.pipe, &mut [0_u8; 1]));
        self.is_woken.store(false, Ordering::Release);
    }
}

#[allow(clippy::unnecessary_wraps, reason = "elsewhere it takes a thread")]
pub(super) fn attach(_: &Arc<OutputState>, _: u64, pipe: Pipe) -> io::Result<Pipe> {
    Ok(pipe)
}

/// Finds out whether any pipe has data, by one system call for any number of pipes.
#[derive(Debug)]
pub(super) struct Watch(#[cfg(target_os = "linux")] OwnedFd);

#[cfg(target_os = "linux")]
impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    pub(super) fn add(&self, pipe: &Pipe) -> io::Result<()> {
        let data = epoll::EventData::new_u64(0);
        Ok(epoll::add(&self.0, &pipe.0, data, epoll::EventFlags::IN)?)
    }

    pub(super) fn remove(&self, pipe: &Pipe) {
        // If it fails, each run looks through all pipes once more than needed.
        let _ = epoll::delete(&self.0, &pipe.0);
    }

    fn is_ready(&self) -> bool {
        let mut events = [MaybeUninit::uninit(); 1];
        let ready = epoll::wait(&self.0, &mut events, Some(&Timespec::default()));
        ready.map_or(true, |(ready, _)| !ready.is_empty())
    }
}

/// Other systems always look through all pipes.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "on Linux it takes a descriptor")]
impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self())
    }

    pub(super) fn add(&self, _: &Pipe) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove(&self, _: &Pipe) {}

    fn is_ready(&self) -> bool {
        true
    }
}

/// Reads the output of workers as long as the pool or a writer exists.
pub(super) fn attend(shared: &OutputState, woken: &Woken) {
    loop {
        let pipes: Vec<(u64, Pipe)> = {
            let state = shared.lock();
            if state.is_closed && state.streams.is_empty() {
                return;
            }
            let streams = state.streams.iter();
            streams
                .map(|stream| (stream.number, stream.pipe.clone()))
                .collect()
        };
        let mut polled = vec![PollFd::new(&woken.pipe, PollFlags::IN)];
        polled.extend(
            pipes
                .iter()
                .map(|(_, pipe)| PollFd::new(&pipe.0, PollFlags::IN)),
        );
        let result = poll(&mut polled, None);
        let mut is_ready = polled.iter().map(|polled| !polled.revents().is_empty());
        let (is_woken, is_ready) = (is_ready.next(), is_ready.collect::<Vec<_>>());
        let is_lost = polled
            .iter()
            .any(|polled| polled.revents().contains(PollFlags::NVAL));
        drop(polled);
        match result {
            Ok(_) if is_lost => return shared.lock().abandon(),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => {
                sleep(SHORTAGE);
                continue;
            }
        }
        if is_woken == Some(true) {
            woken.clear();
        }
        let ready = pipes.into_iter().zip(is_ready).filter(|(_, ready)| *ready);
        let mut state = shared.lock();
        state.read(ready.map(|(pipe, _)| pipe));
        drop(state);
        shared.pass_on();
    }
}

/// Reads all data in the pipes, without blocking.
pub(super) fn drain(state: &mut State) {
    if state.watch.as_ref().is_some_and(|watch| !watch.is_ready()) {
        return;
    }
    for _ in 0..MOST_READS {
        let mut polled: Vec<_> = state
            .streams
            .iter()
            .map(|stream| PollFd::new(&stream.pipe.0, PollFlags::IN))
            .collect();
        match poll(&mut polled, Some(&Timespec::default())) {
            Ok(0) => return,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        let revents: Vec<_> = polled.iter().map(PollFd::revents).collect();
        if revents.iter().any(|it| it.contains(PollFlags::NVAL)) {
            return state.abandon();
        }
        let streams = state.streams.iter().zip(revents);
        let ready = streams.filter(|(_, revents)| !revents.is_empty());
        let ready: Vec<_> = ready
            .map(|(stream, _)| (stream.number, stream.pipe.clone()))
            .collect();
        state.read(ready);
    }
}

impl State {
    /// Reads once from pipes that have data or have ended.
    fn read(&mut self, pipes: impl IntoIterator<Item = (u64, Pipe)>) {
        let mut buffer = vec![0; AT_ONCE];
        for (number, pipe) in pipes {
            // Another thread may have read the data since the poll; the read then returns without blocking.
            if !is_ready(&pipe) {
                continue;
            }
            match retry_on_intr(|| read(&pipe.0, &mut buffer)) {
                Ok(length) => self.take_in(number, &buffer[..length]),
                Err(_) => self.take_in(number, &[]),
            }
        }
    }

    /// Forgets all pipes. The program has closed their descriptors, so the numbers may belong to other files.
    fn abandon(&mut self) {
        std::mem::forget((std::mem::take(&mut self.streams), self.watch.take()));
    }
}

fn is_ready(pipe: &Pipe) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(pipe.0.as_fd(), PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
