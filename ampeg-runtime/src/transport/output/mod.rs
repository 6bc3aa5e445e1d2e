//! Passes the stdout and stderr of workers on to those of the caller, in whole lines.
//!
//! Each worker has a pipe for either. One thread of the pool empties all of them, since a worker waits while its pipe
//! is full. Who prints depends on what the pool is doing:
//!
//! - During a run that a thread waits for, that thread prints: so the lines come before whatever it prints next, and
//!   the test harness takes them for output of the test that called. It is woken when there are lines.
//! - At any other time the pool's own thread prints.
//!
//! A task has written all before it reports its end. So when a run is over, all is in the pipes, and is read without
//! waiting. To find that they are empty takes one system call for a run, whatever the number of workers.
//!
//! A line is passed on when it is complete; an incomplete one when the run is over, or its worker. Lines of two workers
//! do not mix, unless one of them is longer than 64 KiB, and even then the other begins a new line.
//! What is printed slowly is read slowly: no more than 1 MiB waits here.

use crate::base::clock::{self, Timestamp};
use crate::run::cluster::Captured;
use crate::sys::thread;
use crate::transport::setup::Output;
use ampeg_schedule::TaskGraph;
use lines::Lines;
use marks::Marks;
use std::fmt;
use std::io;
use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod lines;
mod marks;
#[cfg(unix)]
mod pipes;
#[cfg(not(unix))]
#[path = "readers.rs"]
mod pipes;
mod print;
mod tail;
mod treatment;

pub(crate) use marks::mark;
pub(crate) use pipes::Pipe;
use pipes::{Waker, Watch};
use tail::Tail;
use treatment::Treatment;

/// Where something is to be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    Stderr,
}

/// The output of the workers of one pool.
#[derive(Debug)]
pub(crate) struct WorkerOutput {
    shared: Arc<OutputState>,
}

/// One stream of a worker.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    shared: Arc<OutputState>,
    number: u64,
    tail: Arc<Mutex<Tail>>,
}

/// So much waits to be printed before no more is read.
const MOST_WAITING: usize = 1 << 20;
/// How much of a worker's stderr is kept.
const TAIL: usize = 16 * 1024;
/// How long to wait for what the pool's own thread prints: the caller may hold the lock of its stdout, or nobody may
/// read what it writes.
const PRINT_TIME: Duration = Duration::from_secs(1);

struct OutputState {
    state: Mutex<State>,
    /// Notified when something has been printed, and when another thread has to print.
    printed: Condvar,
    /// Has the pool's own thread look at what has changed.
    waker: Waker,
    /// Has the thread of a run call [`WorkerOutput::print`].
    wake_run: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    streams: Vec<Stream>,
    /// Watches their pipes.
    watch: Option<Watch>,
    /// How many streams there were in all.
    n_streams: u64,
    /// What is to be printed, in order.
    pieces: Vec<Piece>,
    /// Its size.
    waiting: usize,
    /// Whether the thread of a run prints, not the pool's own.
    run_prints: bool,
    /// Whether a thread is printing.
    is_printing: bool,
    /// The stream whose unfinished line was printed last, by target.
    unfinished: [Option<u64>; 2],
    treatment: Treatment,
    /// Whether the pool is gone.
    is_closed: bool,
}

#[derive(Debug)]
struct Stream {
    number: u64,
    target: Target,
    pipe: Pipe,
    lines: Lines,
    marks: Marks,
    tail: Arc<Mutex<Tail>>,
}

#[derive(Debug)]
struct Piece {
    stream: u64,
    target: Target,
    bytes: Vec<u8>,
}

impl WorkerOutput {
    /// Starts the pool's own thread; fails if the system has no thread or descriptor left.
    ///
    /// `wake_run` has the thread of a run call [`print`](Self::print); it must not block.
    pub(crate) fn new(wake_run: Box<dyn Fn() + Send + Sync>, output: Output) -> io::Result<Self> {
        let (waker, woken) = pipes::waker()?;
        let shared = Arc::new(OutputState {
            state: Mutex::new(State {
                watch: Some(Watch::new()?),
                treatment: Treatment::new(output),
                ..State::default()
            }),
            printed: Condvar::new(),
            waker,
            wake_run,
        });
        let its = Arc::clone(&shared);
        thread::spawn("ampeg output", move || pipes::attend(&its, &woken))?;
        Ok(Self { shared })
    }

    /// Takes on a stream of a worker that has been started.
    pub(crate) fn add(&self, target: Target, pipe: impl Into<Pipe>) -> io::Result<Source> {
        let mut state = self.shared.lock();
        state.n_streams += 1;
        let number = state.n_streams;
        let pipe = pipes::attach(&self.shared, number, pipe.into())?;
        if let Some(watch) = &state.watch {
            watch.add(&pipe)?;
        }
        let tail = Arc::<Mutex<Tail>>::default();
        state.streams.push(Stream {
            number,
            target,
            pipe,
            lines: Lines::default(),
            marks: Marks::default(),
            tail: Arc::clone(&tail),
        });
        drop(state);
        self.shared.waker.wake();
        Ok(Source {
            shared: Arc::clone(&self.shared),
            number,
            tail,
        })
    }

    /// A run of a graph begins; `prints` says whether its thread prints.
    pub(crate) fn begin_run(&self, prints: bool, graph: &Arc<TaskGraph>) {
        let mut state = self.shared.lock();
        state.treatment.begin_run(graph);
        // What processes of an earlier run still write is of no task of this one.
        for stream in &mut state.streams {
            stream.marks = Marks::default();
        }
        if prints {
            // What came before the run is printed before what comes from it.
            let mut state = self.shared.wait_for_prints(state);
            state.run_prints = true;
        }
    }

    /// Prints what there is, in the thread of a run that prints.
    pub(crate) fn print(&self) {
        let state = self.shared.lock();
        if !state.run_prints {
            return;
        }
        let has_more = self.shared.print(state).waiting > 0;
        if has_more {
            // The run has other things to do, too.
            (self.shared.wake_run)();
        }
    }

    /// A run is over: whatever its tasks have written is printed now, or returned.
    pub(crate) fn end_run(&self) -> Captured {
        let mut state = self.shared.lock();
        pipes::drain(&mut state);
        for index in 0..state.streams.len() {
            state.finish_line(index);
        }
        let captured = state.treatment.end_run();
        if state.run_prints {
            state = self.shared.print(state);
            // What has come meanwhile is none of this run's.
            state.run_prints = false;
            let has_more = state.waiting > 0;
            drop(state);
            self.shared.printed.notify_all();
            if has_more {
                self.shared.waker.wake();
            }
        } else if state.waiting > 0 || state.is_printing {
            self.shared.waker.wake();
            drop(self.shared.wait_for_prints(state));
        }
        captured
    }
}

impl Drop for WorkerOutput {
    fn drop(&mut self) {
        // What the workers have written last.
        self.end_run();
        self.shared.lock().is_closed = true;
        self.shared.waker.wake();
    }
}

impl Source {
    /// The worker has ended: what it has written is passed on.
    ///
    /// Processes that it has started may go on writing.
    pub(crate) fn end(&self) {
        let mut state = self.shared.lock();
        pipes::drain(&mut state);
        if let Some(index) = state.index_of(self.number) {
            state.finish_line(index);
        }
        let has_news = state.waiting > 0;
        drop(state);
        if has_news {
            self.shared.have_printed();
        }
    }

    /// The end of what the worker has written, without what was surely written before this time.
    pub(crate) fn tail_since(&self, start: Timestamp) -> String {
        let tail = lock(&self.tail).since(start);
        String::from_utf8_lossy(marks::since_last(&tail)).into_owned()
    }
}

impl OutputState {
    /// Wakes the thread that has to print.
    fn have_printed(&self) {
        if self.lock().run_prints {
            (self.wake_run)();
        } else {
            self.waker.wake();
        }
    }

    /// Prints what waits, without the lock. More may have come when it returns.
    fn print<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.pieces.is_empty() {
            return state;
        }
        let pieces = take(&mut state.pieces);
        let mut unfinished = state.unfinished;
        state.is_printing = true;
        drop(state);
        print::all(pieces, &mut unfinished);
        state = self.lock();
        state.unfinished = unfinished;
        state.is_printing = false;
        state.waiting = state.pieces.iter().map(|piece| piece.bytes.len()).sum();
        self.printed.notify_all();
        state
    }

    /// Waits until nothing is left to print, but not for ever.
    fn wait_for_prints<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.waiting == 0 && !state.is_printing {
            return state;
        }
        let is_busy = |state: &mut State| state.waiting > 0 || state.is_printing;
        let waited = self.printed.wait_timeout_while(state, PRINT_TIME, is_busy);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// In the pool's own thread: prints what waits, or has it printed, and returns when more may be read.
    fn pass_on(&self) {
        let mut state = self.lock();
        while !state.run_prints && state.waiting > 0 {
            state = self.print(state);
        }
        if state.waiting > 0 {
            drop(state);
            (self.wake_run)();
            state = self.lock();
        }
        while state.run_prints && state.waiting > MOST_WAITING {
            let waited = self.printed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// No code of others runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn index_of(&self, number: u64) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.number == number)
    }

    /// Takes in what came from a stream; nothing if that has ended.
    fn take_in(&mut self, number: u64, bytes: &[u8]) {
        let Some(index) = self.index_of(number) else {
            return;
        };
        if bytes.is_empty() {
            self.finish_line(index);
            let stream = self.streams.remove(index);
            if let Some(watch) = &self.watch {
                watch.remove(&stream.pipe);
            }
            return;
        }
        let stream = &mut self.streams[index];
        lock(&stream.tail).push(bytes, clock::now());
        let complete = stream.lines.push(bytes);
        self.push(index, complete);
    }

    /// Has an incomplete line printed.
    fn finish_line(&mut self, index: usize) {
        let rest = self.streams[index].lines.finish();
        self.push(index, rest);
    }

    fn push(&mut self, index: usize, bytes: Vec<u8>) {
        let stream = &mut self.streams[index];
        let bytes = self.treatment.treat(&mut stream.marks, bytes);
        if bytes.is_empty() {
            return;
        }
        let Stream { number, target, .. } = self.streams[index];
        self.waiting += bytes.len();
        self.pieces.push(Piece {
            stream: number,
            target,
            bytes,
        });
    }
}

impl fmt::Debug for OutputState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputState").finish_non_exhaustive()
    }
}
