//! Kills and stops workers from outside at any time, also several workers at once, and new ones.

use super::processes::{Seen, signal};
use rustix::process::Signal;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// The faults that happen repeatedly.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    /// The microseconds between two blows.
    pub(super) pause: Range<u64>,
    /// The time for which blows continue after [`Outside::renew`]. If processes are killed faster than they start, a
    /// run with many attempts takes this long. After that, it must end.
    pub(super) storm: Duration,
    /// The blows to choose from.
    pub(super) blows: &'static [Blow],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Blow {
    /// One worker is killed.
    Kill,
    /// Two workers are killed.
    KillTwo,
    /// One worker is killed, and then its replacement.
    KillAgain,
    /// One worker is stopped for a while, unless another one is stopped. Other blows continue meanwhile.
    Stop,
}

/// The longest wait for a replacement. If the run is over, there is none before the next run.
const NEXT_PROCESS: Duration = Duration::from_millis(20);

/// The thread that strikes until this is dropped.
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
    /// The time at which the blows end.
    end: Mutex<Instant>,
    kills: AtomicUsize,
    stops: AtomicUsize,
}

/// A process that was stopped.
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

    /// Continues the blows for a run that is about to begin.
    pub(super) fn renew(&self) {
        *self.shared.end.lock().unwrap() = Instant::now() + self.shared.weather.storm;
    }

    /// The number of kills so far. It is never less than the number of workers that were killed.
    pub(super) fn kills(&self) -> usize {
        self.shared.kills.load(Ordering::Acquire)
    }

    pub(super) fn stops(&self) -> usize {
        self.shared.stops.load(Ordering::Acquire)
    }

    /// Ends all blows.
    pub(super) fn end(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // If the thread panicked, its message was printed.
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
        // A kill is counted before the worker can die by it.
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

    /// The process that replaces this one.
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
