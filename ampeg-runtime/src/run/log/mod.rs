//! Sends each event of a run to the log, from which the report is made, and to observers.

use crate::base::clock::Timestamp;
use crate::base::failure::TaskErrorKind;
use crate::base::logging;
use crate::base::panics;
use crate::run::caller::Caller;
use crate::run::cluster::Captured;
use crate::run::event::{Attempt, Death, Event, Observer, Transfer};
use crate::run::message::AttemptReport;
use crate::run::progress::Running;
use ampeg_schedule::{ProcessorId, Schedule, TaskGraph};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The time between two looks for attempts that have begun, if a run has observers.
pub(crate) const LOOK_TIME: Duration = Duration::from_millis(20);

/// The events of one run, in the order in which the coordinator learned of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) deaths: Vec<Death>,
    pub(crate) duration: Duration,
    pub(crate) captured: Captured,
}

/// The observers of a pool or of an inline run.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    observers: Vec<Arc<dyn Observer>>,
    /// The caller that observers run as. Their calls of their own pool are then refused, like those of the pool's
    /// tasks.
    caller: Option<Caller>,
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observer(s)", self.observers.len())
    }
}

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer + 'static) {
        self.observers.push(Arc::new(observer));
    }

    /// The same observers, run as this caller.
    pub(crate) fn called_by(self, caller: Caller) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    fn on_event(&mut self, event: &Event<'_>) {
        if self.observers.is_empty() {
            return;
        }
        let outside = self.caller.map(|caller| {
            let outside = Caller::here();
            caller.enter();
            outside
        });
        self.observers.retain_mut(|observer| {
            let result = panics::catch(|| observer.on_event(event));
            if let Err(panic) = &result {
                logging::warn(format_args!(
                    "an observer {panic}; it gets no further events"
                ));
                // The destructor of the observer may panic, too.
                let broken = std::mem::replace(observer, Arc::new(|_: &Event<'_>| ()));
                let _ = panics::catch(|| drop(broken));
            }
            result.is_ok()
        });
        if let Some(outside) = outside {
            outside.enter();
        }
    }
}

/// The events of one run.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    graph: &'a TaskGraph,
    begin: Timestamp,
    log: Log,
    observers: Observers,
    /// By worker, if there are observers: the attempt that was reported as begun and not as ended.
    begun: Vec<Option<Running>>,
    next_look: Timestamp,
    is_cancelled: bool,
}

impl<'a> Events<'a> {
    /// Records the beginning of a run.
    pub(crate) fn begin(
        graph: &'a TaskGraph,
        schedule: Option<&Schedule>,
        n_workers: usize,
        observers: Observers,
        time: Timestamp,
    ) -> Self {
        let is_observed = !observers.observers.is_empty();
        let mut events = Self {
            graph,
            begin: time,
            log: Log {
                // Most runs have one attempt per task.
                attempts: Vec::with_capacity(graph.n_tasks()),
                ..Log::default()
            },
            observers,
            begun: vec![None; if is_observed { n_workers } else { 0 }],
            next_look: time,
            is_cancelled: false,
        };
        events.observers.on_event(&Event::RunBegan {
            graph,
            schedule,
            n_workers,
        });
        events
    }

    /// Whether the run has observers.
    pub(crate) fn is_observed(&self) -> bool {
        !self.observers.observers.is_empty()
    }

    /// Records the end of an attempt. If it failed, `failure` has the error, if known, and whether another attempt
    /// follows.
    fn attempt_ends(&mut self, attempt: Attempt, failure: Option<(Option<&TaskErrorKind>, bool)>) {
        if self.is_observed() {
            let (task, attempt) = (self.graph.name(attempt.task), &attempt);
            self.observers.on_event(&match failure {
                None => Event::TaskEnded { task, attempt },
                Some((error, will_retry)) => Event::TaskFailed {
                    task,
                    attempt,
                    error,
                    will_retry,
                },
            });
        }
        self.log.attempts.push(attempt);
    }

    fn since_begin(&self, time: Timestamp) -> Duration {
        Duration::from_nanos(time.saturating_sub(self.begin))
    }

    /// Looks for attempts that have begun, if there are observers and the last look was long enough ago.
    pub(crate) fn look(
        &mut self,
        time: Timestamp,
        running: impl Fn(ProcessorId) -> Option<Running>,
    ) {
        if !self.is_observed() || time < self.next_look {
            return;
        }
        self.next_look = time + u64::try_from(LOOK_TIME.as_nanos()).unwrap_or(u64::MAX);
        for worker in (0..self.begun.len()).map(ProcessorId::new) {
            if let Some(running) = running(worker) {
                self.task_begins(worker, running);
            }
        }
    }

    /// Records the beginning of an attempt, unless it was recorded before.
    pub(crate) fn task_begins(&mut self, worker: ProcessorId, running: Running) {
        if !self.is_observed() || self.begun[worker.index()] == Some(running) {
            return;
        }
        self.begun[worker.index()] = Some(running);
        let event = Event::TaskBegan {
            task: self.graph.name(running.task),
            id: running.task,
            worker,
            attempt: running.attempt,
            at: self.since_begin(running.start),
        };
        self.observers.on_event(&event);
    }

    /// Records the report of an attempt. Workers send several reports at a time, so a later attempt may already have
    /// been recorded as begun.
    pub(crate) fn task_ends(&mut self, worker: ProcessorId, report: &AttemptReport) {
        let observed = &report.observed;
        if self.is_observed() {
            let running = Running {
                task: report.task,
                attempt: report.attempt,
                start: observed.start,
            };
            let seen = self.begun[worker.index()];
            // If the program was stopped, the reported start is later than the recorded one.
            let is_seen = |seen: &Running| {
                (seen.task, seen.attempt) == (running.task, running.attempt)
                    && seen.start <= observed.finish
            };
            if seen.is_some_and(|seen| is_seen(&seen)) {
                self.begun[worker.index()] = None;
            } else {
                self.task_begins(worker, running);
                self.begun[worker.index()] = seen;
            }
        }
        for arrival in &observed.arrivals {
            let transfer = Transfer {
                from: arrival.from,
                to: worker,
                predecessor: arrival.task,
                sent: self.since_begin(arrival.sent),
                received: self.since_begin(arrival.received),
                bytes: arrival.bytes,
                decoding: Duration::from_nanos(arrival.decoding),
            };
            if self.is_observed() {
                self.observers.on_event(&Event::ResultMoved {
                    task: self.graph.name(arrival.task),
                    transfer: &transfer,
                });
            }
            self.log.transfers.push(transfer);
        }
        let arrivals = observed.arrivals.iter();
        let decoding = observed.reading + arrivals.map(|it| it.decoding).sum::<u64>();
        let attempt = Attempt {
            task: report.task,
            worker,
            number: report.attempt,
            start: self.since_begin(observed.start),
            finish: self.since_begin(observed.finish),
            succeeded: report.result.is_ok(),
            bytes: observed.bytes,
            encoding: Duration::from_nanos(observed.encoding),
            decoding: Duration::from_nanos(decoding),
        };
        let error = report.result.as_ref().err();
        self.attempt_ends(
            attempt,
            error.map(|error| (Some(&**error), report.will_retry)),
        );
    }

    /// Records the death of a worker that was connected. If it was running an attempt, `will_retry` says whether
    /// another attempt follows.
    pub(crate) fn worker_dies(
        &mut self,
        (worker, reason, time): (ProcessorId, String, Timestamp),
        running: Option<Running>,
        will_retry: bool,
        is_replaced: bool,
    ) {
        let at = self.since_begin(time);
        if let Some(running) = running {
            self.task_begins(worker, running);
            let attempt = Attempt {
                task: running.task,
                worker,
                number: running.attempt,
                start: self.since_begin(running.start),
                finish: at,
                succeeded: false,
                bytes: None,
                encoding: Duration::ZERO,
                decoding: Duration::ZERO,
            };
            self.attempt_ends(attempt, Some((None, will_retry)));
        }
        if let Some(begun) = self.begun.get_mut(worker.index()) {
            *begun = None;
        }
        let death = Death { worker, at, reason };
        self.observers.on_event(&Event::WorkerDied {
            death: &death,
            is_replaced,
        });
        self.log.deaths.push(death);
    }

    pub(crate) fn worker_starts(&mut self, worker: ProcessorId, time: Timestamp) {
        let at = self.since_begin(time);
        self.observers
            .on_event(&Event::WorkerStarted { worker, at });
    }

    /// Records that the run ends before all its tasks are finished.
    pub(crate) fn cancel(&mut self) {
        self.is_cancelled = true;
    }

    /// Records the end of the run.
    pub(crate) fn end(mut self, time: Timestamp) -> (Log, Observers) {
        let duration = self.since_begin(time);
        self.log.duration = duration;
        self.observers.on_event(&Event::RunEnded {
            duration,
            is_cancelled: self.is_cancelled,
        });
        (self.log, self.observers)
    }
}

#[cfg(test)]
mod tests;
