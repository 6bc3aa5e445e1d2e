//! Shows the progress of runs: [`Progress`] is an observer that draws on a terminal, or writes plain lines elsewhere.
//!
//! Events only change a [`Model`]. A thread for each run shows the model at intervals, so a slow terminal does not slow
//! down a run. Errors of the terminal are ignored.

use crate::base::clock::{Timestamp, now};
use crate::base::screen::Stderr;
use crate::run::event::{Event, Observer};
use crate::sys::thread;
use bars::Bars;
use model::Model;
use plain::Lines;
use snapshot::Snapshot;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod bars;
mod estimate;
mod frame;
mod model;
mod plain;
mod snapshot;
mod text;

#[cfg(test)]
mod tests;

/// A shorter run shows nothing.
const SHORTEST: Duration = Duration::from_millis(500);
/// The time between two updates of the display.
const PAUSE: Duration = Duration::from_millis(200);
/// The thread spends at most one part in so many of its time on updates, for any number of tasks.
const PAUSE_FACTOR: u32 = 50;
/// The longest wait for the last line at the end of a run, in case no process reads the stream.
const END_TIME: Duration = Duration::from_secs(1);

/// A display of a run.
trait View {
    fn show(&mut self, snapshot: &Snapshot);

    /// Shows the last line of the run.
    fn end(&mut self, line: &str);
}

/// Shows the progress of the runs of one pool.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    display: Mutex<Option<Display>>,
}

impl Observer for Progress {
    fn on_event(&self, event: &Event<'_>) {
        let mut display = self.display.lock().unwrap_or_else(PoisonError::into_inner);
        match *event {
            Event::RunBegan {
                graph,
                schedule: Some(schedule),
                n_workers,
            } => *display = Display::begin(Model::new(graph, schedule, n_workers)),
            Event::RunEnded {
                duration,
                is_cancelled,
            } => {
                if let Some(display) = display.take() {
                    display.end(End {
                        duration,
                        is_cancelled,
                    });
                }
            }
            ref event => {
                if let Some(display) = &*display {
                    display.shared.lock().model.on_event(event);
                }
            }
        }
    }
}

/// The display of one run.
#[derive(Debug)]
struct Display {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Run>,
    changed: Condvar,
}

#[derive(Debug)]
struct Run {
    model: Model,
    end: Option<End>,
    /// Whether the end of the run has been shown.
    is_shown: bool,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    duration: Duration,
    is_cancelled: bool,
}

impl Display {
    /// `None` if the system refuses another thread.
    fn begin(model: Model) -> Option<Self> {
        let run = Run {
            model,
            end: None,
            is_shown: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(run),
            changed: Condvar::new(),
        });
        let (its, begin) = (Arc::clone(&shared), now());
        thread::spawn("ampeg progress", move || its.follow(begin)).ok()?;
        Some(Self { shared })
    }

    fn end(self, end: End) {
        let mut run = self.shared.lock();
        run.end = Some(end);
        self.shared.changed.notify_all();
        let is_open = |run: &mut Run| !run.is_shown;
        let waited = self
            .shared
            .changed
            .wait_timeout_while(run, END_TIME, is_open);
        drop(waited);
    }
}

impl Drop for Display {
    /// A run that panicked has no last event.
    fn drop(&mut self) {
        self.shared.lock().end.get_or_insert_default();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Run> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the run until it ends, in a thread of its own.
    fn follow(&self, begin: Timestamp) {
        let mut view: Option<Box<dyn View>> = None;
        let mut pause = SHORTEST;
        loop {
            let is_going_on = |run: &mut Run| run.end.is_none();
            let waited = self
                .changed
                .wait_timeout_while(self.lock(), pause, is_going_on);
            let (run, _) = waited.unwrap_or_else(PoisonError::into_inner);
            // A snapshot of 100,000 tasks takes some 50 ms, and events must not wait for it.
            let (model, end) = (run.model.clone(), run.end);
            drop(run);
            if let Some(end) = end {
                if let Some(view) = &mut view {
                    let snapshot = model.snapshot(end.duration.as_secs_f64());
                    view.end(&text::last_line(&snapshot, end.is_cancelled));
                }
                break;
            }
            let look = Instant::now();
            let elapsed = Duration::from_nanos(now().saturating_sub(begin));
            let snapshot = model.snapshot(elapsed.as_secs_f64());
            pause = PAUSE.max(look.elapsed() * PAUSE_FACTOR);
            view.get_or_insert_with(view_of_stderr).show(&snapshot);
        }
        // Removes the bars before other code may write incomplete lines.
        drop(view);
        self.lock().is_shown = true;
        self.changed.notify_all();
    }
}

fn view_of_stderr() -> Box<dyn View> {
    match Bars::on_stderr() {
        Some(bars) => Box::new(bars),
        None => Box::new(Lines::new(Stderr)),
    }
}
