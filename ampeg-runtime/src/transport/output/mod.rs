//! Passes the stdout and stderr of workers on to the streams of the caller, in whole lines.
//!
//! Each worker has a pipe for each stream. One thread of the pool empties all pipes, since a worker blocks while its pipe
//! is full. The state of the pool decides which thread prints:
//!
//! - During a run that a thread waits for, this thread prints. So the lines come before the next output of this thread,
//!   and the test harness attributes them to the test that called. The thread is woken when there are lines.
//! - At any other time, the thread of the pool prints.
//!
//! A task has written all its output before it reports its end. So when a run is over, all output is in the pipes, and is
//! read without blocking. One system call per run finds that all pipes are empty, for any number of workers.
//!
//! A line is passed on when it is complete, or when the run or its worker ends. Lines of two workers do not mix, unless
//! one of them is longer than 64 KiB; then the other begins a new line.
//! If the caller's streams are slow, the pipes are read slowly: at most 1 MiB is buffered here.

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

/// The stream to print to.
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

/// The largest size of the buffered output; when it is reached, no more is read.
const MOST_WAITING: usize = 1 << 20;
/// The number of bytes at the end of a worker's stderr that are kept.
const TAIL: usize = 16 * 1024;
/// The longest wait for the output that the thread of the pool prints. The caller may hold the lock of stdout, or no
/// process may read it.
const PRINT_TIME: Duration = Duration::from_secs(1);

struct OutputState {
    state: Mutex<State>,
    /// Notified after each print, and when another thread has to print.
    printed: Condvar,
    /// Wakes the thread of the pool.
    waker: Waker,
    /// Makes the thread of a run call [`WorkerOutput::print`].
    wake_run: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    streams: Vec<Stream>,
    /// Watches the pipes.
    watch: Option<Watch>,
    /// The number of all streams so far.
    n_streams: u64,
    /// The output to print, in order.
    pieces: Vec<Piece>,
    /// The size of this output.
    waiting: usize,
    /// Whether the thread of a run prints, not the thread of the pool.
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

    /// Called when a run of a graph begins; `prints` says whether its thread prints.
    pub(crate) fn begin_run(&self, prints: bool, graph: &Arc<TaskGraph>) {
        let mut state = self.shared.lock();
        state.treatment.begin_run(graph);
        // Output of processes of an earlier run belongs to no task of this run.
        for stream in &mut state.streams {
            stream.marks = Marks::default();
        }
        if prints {
            // Output from before the run is printed first.
            let mut state = self.shared.wait_for_prints(state);
            state.run_prints = true;
        }
    }

    /// Prints the buffered output, in the thread of a run that prints.
    pub(crate) fn print(&self) {
        let state = self.shared.lock();
        if !state.run_prints {
            return;
        }
        let has_more = self.shared.print(state).waiting > 0;
        if has_more {
            // The run must also do its other work.
            (self.shared.wake_run)();
        }
    }

    /// Called when a run is over: prints or returns all output of its tasks.
    pub(crate) fn end_run(&self) -> Captured {
        let mut state = self.shared.lock();
        pipes::drain(&mut state);
        for index in 0..state.streams.len() {
            state.finish_line(index);
        }
        let captured = state.treatment.end_run();
        if state.run_prints {
            state = self.shared.print(state);
            // Output that arrives now does not belong to this run.
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
        // The last output of the workers.
        self.end_run();
        self.shared.lock().is_closed = true;
        self.shared.waker.wake();
    }
}

impl Source {
    /// Called when the worker has ended: passes its output on.
    ///
    /// Processes that it has started may still write.
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

    /// The end of the worker's output, without the part that was certainly written before this time.
    pub(crate) fn tail_since(&self, start: Timestamp) -> String {
        let tail = lock(&self.tail).since(start);
        String::from_utf8_lossy(marks::since_last(&tail)).into_owned()
    }
}

impl OutputState {
    /// Wakes the thread that prints.
    fn have_printed(&self) {
        if self.lock().run_prints {
            (self.wake_run)();
        } else {
            self.waker.wake();
        }
    }

    /// Prints the buffered output, without holding the lock. More may have arrived when it returns.
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

    /// Waits until all output is printed, up to a limit.
    fn wait_for_prints<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.waiting == 0 && !state.is_printing {
            return state;
        }
        let is_busy = |state: &mut State| state.waiting > 0 || state.is_printing;
        let waited = self.printed.wait_timeout_while(state, PRINT_TIME, is_busy);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Called in the thread of the pool: prints the buffered output, or waits until it is printed. Returns when more may be
    /// read.
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

/// No code of users runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn index_of(&self, number: u64) -> Option<usize> {
        self.streams
            .iter()
            .position(|stream| stream.number == number)
    }

    /// Adds bytes from a stream; an empty slice means that the stream has ended.
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

    /// Makes an incomplete line ready to print.
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
