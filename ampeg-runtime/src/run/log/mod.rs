//! Sends each event of a run to the record, from which the report is made, and to the observers.

use crate::base::clock::Timestamp;
use crate::base::logging;
use crate::base::panics;
use crate::run::caller::Caller;
use crate::run::event::{Attempt, Death, Event, Observer, Transfer};
use crate::run::message::AttemptReport;
use crate::run::progress::Running;
use ampeg_schedule::ProcessorId;
use ampeg_schedule::TaskGraph;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often a run that is observed looks for attempts that have begun.
pub(crate) const LOOK_TIME: Duration = Duration::from_millis(20);

/// The record of one run, made of its events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) deaths: Vec<Death>,
    pub(crate) duration: Duration,
}

impl Log {
    fn record(&mut self, event: &Event<'_>) {
        match event {
            // Most runs have one attempt per task.
            Event::RunBegan { graph, .. } => self.attempts.reserve(graph.n_tasks()),
            Event::TaskEnded { attempt, .. } | Event::TaskFailed { attempt, .. } => {
                self.attempts.push((*attempt).clone());
            }
            Event::ResultMoved { transfer, .. } => self.transfers.push((*transfer).clone()),
            Event::WorkerDied { death, .. } => self.deaths.push((*death).clone()),
            Event::RunEnded { duration } => self.duration = *duration,
            Event::TaskBegan { .. } | Event::WorkerStarted { .. } => {}
        }
    }
}

/// The observers of a pool or of an inline run.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    observers: Vec<Arc<dyn Observer>>,
    /// The caller that observers run as, so that their calls of their own pool are refused like those of its tasks.
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

    /// The same observers, running as this caller.
    pub(crate) fn called_by(self, caller: Caller) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    fn on_event(&mut self, event: &Event<'_>) {
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
                // Its destructor may panic, too.
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
    /// By worker, if anybody observes: the attempt that was reported as begun and not as ended.
    begun: Vec<Option<Running>>,
    next_look: Timestamp,
}

impl<'a> Events<'a> {
    /// A run begins at this time.
    pub(crate) fn begin(
        graph: &'a TaskGraph,
        n_workers: usize,
        observers: Observers,
        time: Timestamp,
    ) -> Self {
        let is_observed = !observers.observers.is_empty();
        let mut events = Self {
            graph,
            begin: time,
            log: Log::default(),
            observers,
            begun: vec![None; if is_observed { n_workers } else { 0 }],
            next_look: time,
        };
        events.emit(&Event::RunBegan { graph, n_workers });
        events
    }

    /// Whether anybody observes the run.
    pub(crate) fn is_observed(&self) -> bool {
        !self.observers.observers.is_empty()
    }

    fn emit(&mut self, event: &Event<'_>) {
        self.log.record(event);
        if self.is_observed() {
            self.observers.on_event(event);
        }
    }

    fn since_begin(&self, time: Timestamp) -> Duration {
        Duration::from_nanos(time.saturating_sub(self.begin))
    }

    /// Looks for attempts that have begun, if anybody observes and the last look was long enough ago.
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

    /// An attempt at a task has begun; nothing happens if that is known.
    pub(crate) fn task_begins(&mut self, worker: ProcessorId, running: Running) {
        if !self.is_observed() || self.begun[worker.index()] == Some(running) {
            return;
        }
        self.begun[worker.index()] = Some(running);
        let task = self.graph.name(running.task);
        self.emit(&Event::TaskBegan {
            task,
            id: running.task,
            worker,
            attempt: running.attempt,
            at: self.since_begin(running.start),
        });
    }

    /// An attempt at a task has been reported. Workers report several at a time: a later one may have been seen to begin.
    pub(crate) fn task_ends(&mut self, worker: ProcessorId, report: &AttemptReport) {
        let observed = &report.observed;
        if self.is_observed() {
            let running = Running {
                task: report.task,
                attempt: report.attempt,
                start: observed.start,
            };
            let seen = self.begun[worker.index()];
            // Without the time that the program was stopped, the attempt began later.
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
            self.emit(&Event::ResultMoved {
                task: self.graph.name(arrival.task),
                transfer: &transfer,
            });
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
        let (task, attempt) = (self.graph.name(report.task), &attempt);
        match &report.result {
            Ok(_) => self.emit(&Event::TaskEnded { task, attempt }),
            Err(error) => self.emit(&Event::TaskFailed {
                task,
                attempt,
                error: Some(error),
                will_retry: report.will_retry,
            }),
        }
    }

    /// A worker that was connected has died, while this attempt was running, which `will_retry` belongs to.
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
            self.emit(&Event::TaskFailed {
                task: self.graph.name(running.task),
                attempt: &attempt,
                error: None,
                will_retry,
            });
        }
        if let Some(begun) = self.begun.get_mut(worker.index()) {
            *begun = None;
        }
        let death = &Death { worker, at, reason };
        self.emit(&Event::WorkerDied { death, is_replaced });
    }

    pub(crate) fn worker_starts(&mut self, worker: ProcessorId, time: Timestamp) {
        let at = self.since_begin(time);
        self.emit(&Event::WorkerStarted { worker, at });
    }

    /// The run has ended at this time.
    pub(crate) fn end(mut self, time: Timestamp) -> (Log, Observers) {
        let duration = self.since_begin(time);
        self.emit(&Event::RunEnded { duration });
        (self.log, self.observers)
    }
}

#[cfg(test)]
mod tests;
