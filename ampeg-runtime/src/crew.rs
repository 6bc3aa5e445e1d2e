//! A crew of workers, and how it runs one plan: the loop between coordinator and cluster.

use crate::clock::now;
use crate::coordinator::{Coordinator, STEPS_PER_MESSAGE};
use crate::definition::Definition;
use crate::error::Error;
use crate::failure::TaskError;
use crate::id::{ProcessorId, TaskId};
use crate::message::{FromWorker, RunId, ToWorker};
use crate::payload::Payload;
use crate::plan::Plan;
use crate::report::Log;
use crate::run_error::RunErrorKind;
use crate::transport::{Cluster, Event};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Workers that are kept between runs, and what they know.
#[derive(Debug)]
pub(crate) struct Crew {
    cluster: Box<dyn Cluster>,
    /// By worker: the graph that it has.
    graphs: Vec<Option<u64>>,
    /// By worker: the plan whose steps it has.
    plans: Vec<Weak<Plan>>,
    /// Workers that have ended and have no replacement yet.
    missing: Vec<ProcessorId>,
    last_run: RunId,
}

/// What ends a run early.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) deadline: Option<Instant>,
    pub(crate) cancelled: &'a AtomicBool,
}

/// The results of a run by task, and what was seen of it.
pub(crate) type Finished = (Vec<Option<Result<Payload, TaskError>>>, Log);

impl Crew {
    pub(crate) fn new(cluster: Box<dyn Cluster>) -> Self {
        Self {
            graphs: vec![None; cluster.n_workers()],
            plans: (0..cluster.n_workers()).map(|_| Weak::new()).collect(),
            cluster,
            missing: Vec::new(),
            last_run: 0,
        }
    }

    pub(crate) fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        self.cluster.waker()
    }

    /// Follows a plan to its end.
    pub(crate) fn run(
        &mut self,
        definition: &Definition,
        plan: &Arc<Plan>,
        bounds: Bounds<'_>,
    ) -> Result<Finished, Error> {
        let load = ToWorker::load(definition)?;
        self.fill_up()?;
        self.last_run += 1;
        self.give_graph(definition.id, &load, plan.queues.len());
        self.give_plan(plan);
        let mut run = Run {
            coordinator: Coordinator::new(definition, self.last_run, plan),
            definition,
            load: &load,
            limits: vec![None; self.graphs.len()],
            log: Log::begin(now(), definition.task_graph.n_tasks()),
            crew: self,
        };
        run.follow(bounds)?;
        let Run {
            coordinator, log, ..
        } = run;
        Ok((coordinator.into_results(), log))
    }

    /// Notes that a worker knows nothing.
    fn forget(&mut self, worker: ProcessorId) {
        self.graphs[worker.index()] = None;
        self.plans[worker.index()] = Weak::new();
    }

    /// Replaces workers that ended without a replacement.
    fn fill_up(&mut self) -> Result<(), Error> {
        while let Some(&worker) = self.missing.last() {
            self.cluster.restart(worker)?;
            self.forget(worker);
            self.missing.pop();
        }
        Ok(())
    }

    /// Tells each worker its steps, unless it has them from the last run.
    fn give_plan(&mut self, plan: &Arc<Plan>) {
        let weak = Arc::downgrade(plan);
        for (index, queue) in plan.queues.iter().enumerate() {
            if self.plans[index].ptr_eq(&weak) {
                continue;
            }
            let mut chunks = queue.chunks(STEPS_PER_MESSAGE).peekable();
            while let Some(steps) = chunks.next() {
                let message = ToWorker::Plan {
                    steps: steps.to_vec(),
                    more: chunks.peek().is_some(),
                };
                self.cluster.send(ProcessorId::new(index), message);
            }
            self.plans[index] = Weak::clone(&weak);
        }
    }

    fn give_graph(&mut self, graph: u64, load: &[ToWorker], n_workers: usize) {
        for index in 0..n_workers {
            if self.graphs[index] != Some(graph) {
                for message in load {
                    self.cluster.send(ProcessorId::new(index), message.clone());
                }
                self.graphs[index] = Some(graph);
                self.plans[index] = Weak::new();
            }
        }
    }
}

/// A task that may run for so long, which is until then.
#[derive(Debug, Clone, Copy)]
struct Limited {
    task: TaskId,
    until: Instant,
    limit: Duration,
}

/// One run under way.
struct Run<'a> {
    crew: &'a mut Crew,
    coordinator: Coordinator<'a>,
    definition: &'a Definition,
    load: &'a [ToWorker],
    /// By worker: its running task, if that may not run for ever.
    limits: Vec<Option<Limited>>,
    log: Log,
}

impl Run<'_> {
    fn follow(&mut self, bounds: Bounds<'_>) -> Result<(), Error> {
        self.coordinator.begin(&mut *self.crew.cluster);
        let mut is_cancelled = bounds.cancelled.load(Ordering::Acquire);
        while !self.coordinator.is_finished() {
            let overdue = |deadline: Instant| Instant::now() >= deadline;
            if is_cancelled || bounds.deadline.is_some_and(overdue) {
                self.cancel();
                break;
            }
            match self.crew.cluster.receive(self.timeout(bounds.deadline)) {
                // All that came before it counts.
                Some(Event::Woken) => is_cancelled = bounds.cancelled.load(Ordering::Acquire),
                Some(event) => self.on_event(event)?,
                None => {}
            }
            self.enforce_limits();
        }
        self.coordinator.end(&mut *self.crew.cluster);
        self.log.finish = now();
        Ok(())
    }

    fn on_event(&mut self, event: Event) -> Result<(), Error> {
        let cluster = &mut *self.crew.cluster;
        match event {
            Event::Message(worker, FromWorker::Ended(ended)) => {
                self.limits[worker.index()] = None;
                self.log.note(worker, &ended);
                self.coordinator.on_ended(worker, ended, cluster);
            }
            Event::Message(worker, FromWorker::Started { task, .. }) => {
                self.on_started(worker, task);
            }
            Event::Message(worker, FromWorker::Refused { reason }) => {
                self.crew.forget(worker);
                self.cancel();
                return Err(RunErrorKind::Refused(reason).into());
            }
            Event::Exited(worker, exit) => {
                self.limits[worker.index()] = None;
                self.crew.plans[worker.index()] = Weak::new();
                let running = cluster.running(worker);
                self.log.died(worker, running, now());
                let how = (exit, running);
                if !self.coordinator.on_exit(worker, how, self.load, cluster) {
                    self.crew.missing.push(worker);
                }
            }
            Event::Lost(reason) => {
                self.cancel();
                return Err(RunErrorKind::Lost(reason).into());
            }
            Event::Woken => {}
        }
        Ok(())
    }

    fn on_started(&mut self, worker: ProcessorId, task: TaskId) {
        if let Some(limit) = self.definition.instance(task).limits.within {
            let until = Instant::now().checked_add(limit);
            self.limits[worker.index()] = until.map(|until| Limited { task, until, limit });
        }
    }

    /// Until when to wait for the next event.
    fn timeout(&self, deadline: Option<Instant>) -> Option<Duration> {
        let limits = self.limits.iter().flatten().map(|limited| limited.until);
        let next = limits.chain(deadline).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn enforce_limits(&mut self) {
        for (index, entry) in self.limits.iter_mut().enumerate() {
            if let Some(Limited { task, until, limit }) = *entry
                && Instant::now() >= until
            {
                *entry = None;
                let worker = ProcessorId::new(index);
                self.coordinator
                    .on_exceeded(worker, (task, limit), &mut *self.crew.cluster);
            }
        }
    }

    /// Ends everything, and waits until the workers that had to be killed are gone.
    fn cancel(&mut self) {
        let mut killed = self.coordinator.on_cancel(&mut *self.crew.cluster);
        while !killed.is_empty() {
            match self.crew.cluster.receive(None) {
                Some(Event::Exited(worker, _)) => {
                    killed.retain(|&other| other != worker);
                    self.crew.missing.push(worker);
                }
                Some(_) => {}
                None => break,
            }
        }
    }
}
