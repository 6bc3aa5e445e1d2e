//! The workers of a pool, and the loop that runs one plan with them.

use crate::base::clock::{Timestamp, instant, now};
use crate::base::failure::TaskError;
use crate::base::logging;
use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::definition::captures::Captures;
use crate::plan::Plan;
use crate::run::cluster::{Cluster, ClusterEvent, Exit};
use crate::run::coordinator::Coordinator;
use crate::run::log::{Events, LOOK_TIME, Log, Observers};
use crate::run::message::{RunId, ToWorker};
use crate::value::codec;
use crate::value::payload::Payload;
use ampeg_schedule::{Error, ProcessorId, Schedule};
use limits::Limits;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use stuck::Watchdog;

mod captured;
mod limits;
mod stuck;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

/// The longest wait of a cancelled run for reports that workers have made but not sent, and of an ended run for the
/// end of its tasks.
const END_TIME: Duration = Duration::from_secs(1);
/// The number of failed starts in a row after which a worker is given up.
const FAILED_STARTS: u32 = 3;

/// The workers of a pool, which are kept between runs, and the state that was sent to them.
#[derive(Debug)]
pub(crate) struct Crew {
    cluster: Box<dyn Cluster>,
    members: Vec<Member>,
    observers: Observers,
    last_run: RunId,
    /// The reason why nothing can be run any more, if so.
    broken: Option<String>,
}

/// What the crew knows about one worker.
#[derive(Debug, Default)]
struct Member {
    life: Life,
    knows: Knows,
    /// The number of reports received from the worker since it joined.
    n_reports: u64,
    /// The number of failed starts in a row.
    failed_starts: u32,
    /// The reason why the worker is being killed, unless its task exceeded a limit.
    kill_reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    Absent,
    Starting,
    #[default]
    Present,
}

/// State that was sent to a worker and lasts for several runs.
#[derive(Debug, Default)]
struct Knows {
    captures: Weak<Captures>,
    plan: Weak<Plan>,
}

/// The time limit of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeout {
    pub(crate) end: Instant,
    /// The whole time limit of the run.
    pub(crate) limit: Duration,
}

impl Timeout {
    /// The limit of a run that begins now; none if its end is too far in the future.
    pub(crate) fn begin(limit: Duration) -> Option<Self> {
        let end = instant().checked_add(limit)?;
        Some(Self { end, limit })
    }
}

/// The conditions that end a run early.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) deadline: Option<Timeout>,
    pub(crate) cancelled: &'a AtomicBool,
    /// The number of failed tasks that ends the run.
    pub(crate) max_failures: Option<usize>,
    /// Whether the thread that follows the run prints the output of tasks.
    pub(crate) prints: bool,
}

/// The results of a run by task, and the log of its events.
pub(crate) type Finished = (Vec<Option<Result<Payload, TaskError>>>, Log);

impl Crew {
    /// A crew of workers that are all present.
    pub(crate) fn new(cluster: Box<dyn Cluster>) -> Self {
        Self {
            members: (0..cluster.n_workers())
                .map(|_| Member::default())
                .collect(),
            cluster,
            observers: Observers::default(),
            last_run: 0,
            broken: None,
        }
    }

    /// The same crew with observers of all its runs.
    pub(crate) fn observed_by(self, observers: Observers) -> Self {
        Self { observers, ..self }
    }

    pub(crate) fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        self.cluster.waker()
    }

    /// Runs a plan to its end. Observers get the schedule from which the plan was made.
    pub(crate) fn run(
        &mut self,
        definition: &Definition,
        plan: &Arc<Plan>,
        schedule: Option<&Schedule>,
        bounds: Bounds<'_>,
    ) -> Result<Finished, Error> {
        if let Some(reason) = &self.broken {
            return Err(RunErrorKind::Lost(reason.clone()).into());
        }
        let graph = ToWorker::graph(definition, self.cluster.is_here())?;
        self.last_run += 1;
        let n_workers = self.members.len();
        let observers = std::mem::take(&mut self.observers);
        let mut run = Run {
            coordinator: Coordinator::new(definition, self.last_run, plan, n_workers),
            limits: Limits::new(n_workers, plan, bounds.deadline.map(|it| it.end)),
            watchdog: Watchdog::new(),
            events: Events::begin(
                &definition.task_graph,
                schedule,
                n_workers,
                observers,
                now(),
            ),
            id: self.last_run,
            captures: &definition.captures,
            graph,
            plan,
            crew: self,
        };
        let n_tasks = definition.task_graph.n_tasks();
        logging::debug(format_args!(
            "run {} begins: {n_tasks} task(s), {n_workers} worker(s)",
            run.id
        ));
        run.crew
            .cluster
            .begin_run(bounds.prints, &definition.task_graph);
        let followed = run.follow(bounds);
        run.end();
        let captured = run.crew.cluster.end_run();
        logging::debug(format_args!("run {} has ended", run.id));
        let Run {
            coordinator,
            events,
            ..
        } = run;
        let results = followed.map(|()| {
            let mut results = coordinator.into_results();
            captured::add_output(&mut results, &captured);
            results
        });
        let (mut log, observers) = events.end(now());
        log.captured = captured;
        self.observers = observers;
        let finished = results.map(|results| (results, log));
        self.unload_gone();
        finished
    }

    /// Makes workers drop their state of graphs that no longer exist. No run may be active.
    pub(crate) fn unload_gone(&mut self) {
        for (index, member) in self.members.iter_mut().enumerate() {
            // A `Weak` that was never set has a strong count of 0, too.
            let is_set = !member.knows.captures.ptr_eq(&Weak::new());
            if is_set && member.knows.captures.strong_count() == 0 {
                member.knows = Knows::default();
                self.cluster.send(ProcessorId::new(index), ToWorker::Unload);
            }
        }
    }
}

/// The active run.
struct Run<'a> {
    crew: &'a mut Crew,
    coordinator: Coordinator<'a>,
    id: RunId,
    captures: &'a Arc<Captures>,
    /// The messages that send the graph to a worker.
    graph: Vec<ToWorker>,
    plan: &'a Arc<Plan>,
    limits: Limits,
    watchdog: Watchdog,
    events: Events<'a>,
}

impl Run<'_> {
    fn follow(&mut self, bounds: Bounds<'_>) -> Result<(), Error> {
        for worker in self.workers() {
            match self.crew.members[worker.index()].life {
                Life::Absent => self.start(worker),
                Life::Present => self.prepare(worker),
                Life::Starting => {}
            }
        }
        self.coordinator.begin(&mut *self.crew.cluster);
        // The clock is read once per turn, because this program may be stopped between two readings.
        let mut time = now();
        self.limits.excuse(time);
        while !self.coordinator.is_finished() {
            if bounds.cancelled.load(Ordering::Acquire) {
                logging::debug(format_args!("run {} is cancelled", self.id));
                return self.cancel(None);
            }
            let failures = self.coordinator.failures();
            if bounds.max_failures.is_some_and(|most| failures >= most) {
                logging::debug(format_args!(
                    "run {} is ended: {failures} task(s) failed",
                    self.id
                ));
                return self.cancel(None);
            }
            if let Some(deadline) = bounds.deadline
                && self.is_overdue(time)
            {
                logging::debug(format_args!("run {} has exceeded its timeout", self.id));
                return self.cancel(Some(deadline.limit));
            }
            let timeout = self.timeout(time);
            let look = self.events.is_observed().then_some(LOOK_TIME);
            let timeout = timeout.into_iter().chain(look).min();
            let event = self.crew.cluster.receive(timeout);
            time = now();
            self.limits.excuse(time);
            if let Some(event) = event {
                self.on_event(event)?;
            }
            self.look_for_beginnings(time);
            self.enforce_limits(time)?;
        }
        Ok(())
    }

    fn workers(&self) -> impl Iterator<Item = ProcessorId> + use<> {
        (0..self.crew.members.len()).map(ProcessorId::new)
    }

    fn on_event(&mut self, event: ClusterEvent) -> Result<(), Error> {
        match event {
            ClusterEvent::Reports(worker, reports) => {
                self.crew.members[worker.index()].n_reports += reports.len() as u64;
                for mut report in reports {
                    // Reports of an ended run are dropped here.
                    if report.run == self.id {
                        self.limits.correct(&mut report.observed);
                        self.events.task_ends(worker, &report);
                        let cluster = &mut *self.crew.cluster;
                        self.coordinator.on_report(worker, report, cluster);
                    }
                }
            }
            ClusterEvent::Joined(worker) => {
                self.crew.members[worker.index()] = Member::default();
                self.events.worker_starts(worker, now());
                if self.coordinator.uses(worker) && !self.coordinator.is_finished() {
                    self.prepare(worker);
                    let cluster = &mut *self.crew.cluster;
                    if let Err(reason) = self.coordinator.on_joined(worker, cluster) {
                        self.dismiss(worker, &reason);
                    }
                }
                self.crew.cluster.introduce(worker);
            }
            ClusterEvent::Exited(worker, exit) => self.on_exited(worker, exit),
            ClusterEvent::Lost(reason) => {
                self.crew.broken = Some(reason.clone());
                return Err(RunErrorKind::Lost(reason).into());
            }
            ClusterEvent::Woken => {}
        }
        Ok(())
    }

    /// Reports the attempts that workers have begun since the last look, if the run has observers.
    fn look_for_beginnings(&mut self, time: Timestamp) {
        let Self { crew, events, .. } = self;
        events.look(time, |worker| {
            let is_present = crew.members[worker.index()].life == Life::Present;
            let activity = is_present.then(|| crew.cluster.activity(worker));
            activity?.running_in(self.id)
        });
    }

    /// Starts a worker. An event follows when it has joined or failed.
    fn start(&mut self, worker: ProcessorId) {
        self.crew.members[worker.index()].life = Life::Starting;
        self.crew.cluster.start(worker);
    }

    /// Sends a worker the graph and its steps, unless it has them from the last run.
    fn prepare(&mut self, worker: ProcessorId) {
        if !self.coordinator.uses(worker) {
            return;
        }
        let Crew {
            cluster, members, ..
        } = &mut *self.crew;
        let knows = &mut members[worker.index()].knows;
        let captures = Arc::downgrade(self.captures);
        if !knows.captures.ptr_eq(&captures) {
            for message in &self.graph {
                cluster.send(worker, message.clone());
            }
            knows.captures = captures;
            knows.plan = Weak::new();
        }
        let plan = Arc::downgrade(self.plan);
        if !knows.plan.ptr_eq(&plan) {
            match codec::encode_fields(self.plan.steps_of(worker)) {
                Ok(steps) => {
                    let retry = self.plan.retry;
                    cluster.send(worker, ToWorker::Plan { steps, retry });
                    knows.plan = plan;
                }
                Err(reason) => self.dismiss(worker, &reason),
            }
        }
    }

    /// Kills a worker, if the transport can. A starting worker has no part in the run, so its reason is not recorded.
    fn kill(&mut self, worker: ProcessorId, reason: impl Into<String>) -> bool {
        let is_killed = self.crew.cluster.kill(worker);
        let member = &mut self.crew.members[worker.index()];
        if is_killed && member.life == Life::Present && member.kill_reason.is_none() {
            member.kill_reason = Some(reason.into());
        }
        is_killed
    }

    /// Ends a worker whose graph or plan could not be sent.
    fn dismiss(&mut self, worker: ProcessorId, reason: &str) {
        logging::warn(format_args!("worker {worker} is ended: {reason}"));
        if !self.kill(worker, reason) {
            let cluster = &mut *self.crew.cluster;
            self.coordinator.on_given_up(worker, reason, cluster);
        }
    }

    fn on_exited(&mut self, worker: ProcessorId, mut exit: Exit) {
        let activity = self.crew.cluster.activity(worker);
        let member = &mut self.crew.members[worker.index()];
        let life = std::mem::replace(&mut member.life, Life::Absent);
        exit.reason = exit.reason.or(member.kill_reason.take());
        member.knows = Knows::default();
        self.limits.forget(worker);
        let cluster = &mut *self.crew.cluster;
        if life == Life::Starting {
            if exit.is_kill() {
                self.coordinator.on_killed_at_start(worker, &exit, cluster);
            } else {
                member.failed_starts += 1;
                if member.failed_starts >= FAILED_STARTS {
                    member.failed_starts = 0;
                    let reason = format!("a worker process could not be started: {exit}");
                    self.coordinator.on_given_up(worker, &reason, cluster);
                    return;
                }
            }
        } else {
            let death = (worker, exit.to_string(), now());
            self.coordinator.on_exited(worker, exit, &activity, cluster);
            let running = activity.running_in(self.id);
            let will_retry = running.is_some_and(|it| self.coordinator.is_open(it.task));
            let is_replaced = self.coordinator.has_open_steps(worker);
            self.events
                .worker_dies(death, running, will_retry, is_replaced);
        }
        // A worker without open steps is only replaced by the next run: if its process ended each time, replacing it
        // here could go on for ever.
        if self.coordinator.has_open_steps(worker) {
            logging::debug(format_args!("worker {worker} is replaced"));
            self.start(worker);
        }
    }

    /// Ends all unfinished tasks.
    ///
    /// Tasks that ended before the cancel keep their results, so this first waits for the reports that workers have
    /// already made. Then it kills every worker that may be running a task. The next run replaces these workers.
    fn cancel(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        self.events.cancel();
        let made = |worker| self.crew.cluster.activity(worker).reports;
        let made: Vec<u64> = self.workers().map(made).collect();
        self.receive_while(|run| {
            let members = run.crew.members.iter().zip(&made);
            let mut late = members.filter(|(member, made)| member.n_reports < **made);
            late.any(|(member, _)| member.life == Life::Present)
        })?;
        for worker in self.coordinator.on_cancel(timeout, &mut *self.crew.cluster) {
            self.kill(worker, "it was running a task when its run was ended");
        }
        Ok(())
    }

    /// Sends the workers the end of the run, and waits until none of its tasks is running.
    ///
    /// A worker may still be running a task that was cancelled, or computing a lost result that is no longer needed.
    /// It is killed, because the next run would have to wait for it. Threads cannot be killed: this waits for their
    /// tasks, but not for ever.
    fn end(&mut self) {
        for worker in self.workers() {
            if self.is_running(worker) {
                self.kill(worker, "it was running a task when its run was over");
            }
        }
        self.coordinator.end(&mut *self.crew.cluster);
        // If the workers cannot be reached any more, the next run returns this error.
        let _ = self.receive_while(|run| run.workers().any(|worker| run.is_running(worker)));
    }

    /// Whether a worker is running a task of this run.
    fn is_running(&self, worker: ProcessorId) -> bool {
        let activity = self.crew.cluster.activity(worker);
        self.crew.members[worker.index()].life == Life::Present
            && activity.running_in(self.id).is_some()
    }

    /// Continues to handle events while `waits` is true, but for at most [`END_TIME`].
    fn receive_while(&mut self, waits: impl Fn(&Self) -> bool) -> Result<(), Error> {
        let deadline = instant() + END_TIME;
        while waits(self) {
            let left = deadline.saturating_duration_since(instant());
            match self.crew.cluster.receive(Some(left)) {
                Some(event) => self.on_event(event)?,
                None if left.is_zero() => break,
                None => {}
            }
        }
        Ok(())
    }
}
