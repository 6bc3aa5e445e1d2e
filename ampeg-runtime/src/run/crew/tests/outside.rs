//! Kills and stops of workers from outside, at any time, also of several workers at once and of new ones.

use super::processes::{Seen, signal};
use rustix::process::Signal;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// What happens again and again.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    /// Microseconds from one blow to the next.
    pub(super) pause: Range<u64>,
    /// How long it goes on without [`Outside::renew`]. If processes are killed faster than they start, a run with many
    /// attempts takes that long; from then on it must come to its end.
    pub(super) storm: Duration,
    /// Drawn from.
    pub(super) blows: &'static [Blow],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Blow {
    /// One worker is killed.
    Kill,
    /// Two are.
    KillTwo,
    /// One is, and then the process that is started in its place.
    KillAgain,
    /// One is stopped for a while, unless one is; other blows go on meanwhile.
    Stop,
}

/// How long to wait for the next process in a place: there is none before the next run, if this one is over.
const NEXT_PROCESS: Duration = Duration::from_millis(20);

/// The thread that strikes, until it is dropped.
#[derive(Debug)]
pub(super) struct Outside {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    weather: Weather,
    seen: Arc<Mutex<Seen>>,
    over: AtomicBool,
    /// When the weather gets better.
    end: Mutex<Instant>,
    kills: AtomicUsize,
    stops: AtomicUsize,
}

/// A process that is stopped.
#[derive(Debug, Clone, Copy)]
struct Stopped {
    pid: u32,
    until: Instant,
}

impl Outside {
    pub(super) fn begin(seen: Arc<Mutex<Seen>>, weather: Weather, draw: u64) -> Self {
        let shared = Arc::new(Shared {
            end: Mutex::new(Instant::now() + weather.storm),
            weather,
            seen,
            over: AtomicBool::new(false),
            kills: AtomicUsize::new(0),
            stops: AtomicUsize::new(0),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.rage(&mut fastrand::Rng::with_seed(draw)))
        };
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// A run is about to begin: whatever happened in the ones before it, it is struck too.
    pub(super) fn renew(&self) {
        *self.shared.end.lock().unwrap() = Instant::now() + self.shared.weather.storm;
    }

    /// Never less than what workers have felt.
    pub(super) fn kills(&self) -> usize {
        self.shared.kills.load(Ordering::Acquire)
    }

    pub(super) fn stops(&self) -> usize {
        self.shared.stops.load(Ordering::Acquire)
    }

    /// Strikes no more.
    pub(super) fn end(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // If it has panicked, its message has been printed.
            let _ = thread.join();
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn rage(&self, random: &mut fastrand::Rng) {
        let mut next = Instant::now();
        let mut stopped = None;
        while !self.is_over() {
            next += Duration::from_micros(random.u64(self.weather.pause.clone()));
            while !self.is_over() && Instant::now() < next {
                std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
            }
            if let Some(Stopped { pid, until }) = stopped
                && until <= Instant::now()
            {
                signal(pid, Signal::CONT);
                stopped = None;
            }
            let is_calm = *self.end.lock().unwrap() < Instant::now();
            if let Some(&blow) = random.choice(self.weather.blows)
                && !is_calm
            {
                self.strike(blow, random, &mut stopped);
            }
        }
        if let Some(Stopped { pid, .. }) = stopped {
            signal(pid, Signal::CONT);
        }
    }

    fn strike(&self, blow: Blow, random: &mut fastrand::Rng, stopped: &mut Option<Stopped>) {
        let mut present = self.present();
        random.shuffle(&mut present);
        let Some(&(worker, pid)) = present.first() else {
            return;
        };
        match blow {
            Blow::Kill => self.kill(pid),
            Blow::KillTwo => present.iter().take(2).for_each(|&(_, pid)| self.kill(pid)),
            Blow::KillAgain => {
                self.kill(pid);
                if let Some(pid) = self.successor(worker, pid) {
                    sleep(Duration::from_micros(random.u64(0..5_000)));
                    self.kill(pid);
                }
            }
            Blow::Stop if stopped.is_none() => {
                if signal(pid, Signal::STOP) {
                    self.stops.fetch_add(1, Ordering::AcqRel);
                    let until = Instant::now() + Duration::from_micros(random.u64(100..100_000));
                    *stopped = Some(Stopped { pid, until });
                }
            }
            Blow::Stop => {}
        }
    }

    fn kill(&self, pid: u32) {
        // It counts before anybody can feel it.
        self.kills.fetch_add(1, Ordering::AcqRel);
        if !signal(pid, Signal::KILL) {
            self.kills.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn present(&self) -> Vec<(usize, u32)> {
        let seen = self.seen.lock().unwrap();
        seen.present
            .iter()
            .map(|(&worker, &pid)| (worker, pid))
            .collect()
    }

    /// The process that comes after this one.
    fn successor(&self, worker: usize, pid: u32) -> Option<u32> {
        let end = Instant::now() + NEXT_PROCESS;
        while !self.is_over() && Instant::now() < end {
            let present = self.present();
            let next = present
                .iter()
                .find(|(place, next)| *place == worker && *next != pid);
            if let Some(&(_, next)) = next {
                return Some(next);
            }
            std::thread::yield_now();
        }
        None
    }
}
