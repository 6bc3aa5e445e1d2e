//! Follows one run: which tasks are done, which steps each worker still has to run, and which results a death loses.
//!
//! The coordinator has state and `on_*` events, and acts through a [`Cluster`]. It reads no clock and starts no
//! process, so it can be tested event by event. It gets a plan, and does not depend on the scheduler.

use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::Definition;
use crate::plan::{Plan, Step};
use crate::run::cluster::Cluster;
use crate::run::message::{AttemptReport, OpenStep, RunId, ToWorker};
use crate::value::codec;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use recovery::Lookup;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

mod blame;
mod failing;
mod recovery;

#[cfg(test)]
mod tests;

/// The state of one run.
#[derive(Debug)]
pub(crate) struct Coordinator<'a> {
    definition: &'a Definition,
    plan: &'a Plan,
    run: RunId,
    tasks: Vec<TaskState>,
    workers: Vec<WorkerState>,
    /// By an input that is not reported yet: the reports that need this input. Workers batch reports independently,
    /// so reports of different workers are not in order. Recovery relies on every input of a done task being done.
    held_back: BTreeMap<TaskId, Vec<HeldBack>>,
    unfinished: usize,
    /// The number of tasks that failed themselves, not because of a dependency.
    failures: usize,
    /// Made when the first result is lost.
    lookup: Option<Lookup>,
}

#[derive(Debug)]
enum TaskState {
    /// Without a result or a final error. `attempt` is the number of the next attempt.
    Open {
        attempt: u32,
    },
    Done {
        /// The bytes of the result if it is an output.
        output: Option<Payload>,
        /// The number of attempts in a row that failed to compute the result again.
        failures: u32,
    },
    Failed(TaskError),
}

#[derive(Debug)]
struct HeldBack {
    worker: ProcessorId,
    report: AttemptReport,
    /// The number of inputs, from the first on, that are known to be done. The next check continues there, so that all
    /// checks of a report together take linear time.
    n_done: usize,
}

/// What the coordinator knows about one worker in this run.
#[derive(Debug, Default)]
struct WorkerState {
    /// All steps of the worker's plan before this position are closed.
    position: usize,
    /// Recomputations that are requested but not reported, in the order of the worker. A result may be in the list
    /// twice.
    recomputing: VecDeque<TaskId>,
    /// Lost results that open steps of this worker need and that it has not computed again yet.
    lacking: BTreeSet<TaskId>,
    /// The number of idle deaths in a row since a step of the worker's plan was last done.
    idle_deaths: u32,
    /// The task whose time limit this worker is killed for, and the limit.
    killed_for: Option<(TaskId, Duration)>,
}

impl WorkerState {
    /// Removes the first entry of a task from the recomputations. It is usually the first of all.
    fn forget_recomputing(&mut self, task: TaskId) {
        let mut recomputing = self.recomputing.iter();
        if let Some(position) = recomputing.position(|&other| other == task) {
            self.recomputing.remove(position);
        }
    }
}

impl<'a> Coordinator<'a> {
    /// The state of a run before it begins.
    pub(crate) fn new(
        definition: &'a Definition,
        run: RunId,
        plan: &'a Plan,
        n_workers: usize,
    ) -> Self {
        let n_tasks = definition.task_graph.n_tasks();
        Self {
            definition,
            plan,
            run,
            tasks: (0..n_tasks)
                .map(|_| TaskState::Open { attempt: 1 })
                .collect(),
            workers: (0..n_workers).map(|_| WorkerState::default()).collect(),
            held_back: BTreeMap::new(),
            unfinished: n_tasks,
            failures: 0,
            lookup: None,
        }
    }

    /// Whether every task has a result or an error.
    pub(crate) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// The number of tasks that failed themselves, not because of a dependency.
    pub(crate) fn failures(&self) -> usize {
        self.failures
    }

    /// Whether a worker has any steps in this run.
    pub(crate) fn uses(&self, worker: ProcessorId) -> bool {
        !self.plan.steps_of(worker).is_empty()
    }

    /// Whether a worker has open steps in this run.
    pub(crate) fn has_open_steps(&mut self, worker: ProcessorId) -> bool {
        self.first_open(worker).is_some()
    }

    /// Sends `Begin` to every worker that is present. These workers already know their steps.
    pub(crate) fn begin(&self, cluster: &mut dyn Cluster) {
        let workers = (0..self.workers.len()).map(ProcessorId::new);
        for worker in workers.filter(|&worker| self.uses(worker)) {
            if cluster.since(worker).is_some() {
                let (run, open) = (self.run, None);
                cluster.send(worker, ToWorker::Begin { run, open });
            }
        }
    }

    /// Handles the report of an attempt, and the held-back reports that wait for it.
    pub(crate) fn on_report(
        &mut self,
        worker: ProcessorId,
        report: AttemptReport,
        cluster: &mut dyn Cluster,
    ) {
        // A loop and not a recursion, because a chain of held-back reports may be long.
        let mut arrived = Vec::new();
        let mut next = Some(HeldBack {
            worker,
            report,
            n_done: 0,
        });
        while let Some(report) = next {
            let task = report.report.task;
            self.apply(report, cluster);
            if !self.held_back.is_empty() && !self.is_open(task) {
                arrived.extend(self.held_back.remove(&task).unwrap_or_default());
            }
            next = arrived.pop();
        }
    }

    fn apply(&mut self, arrived: HeldBack, cluster: &mut dyn Cluster) {
        let (worker, task) = (arrived.worker, arrived.report.task);
        if arrived.report.run != self.run {
            return;
        }
        match &self.tasks[task.index()] {
            TaskState::Open { .. } => self.apply_to_open(arrived, cluster),
            TaskState::Done { .. } => self.apply_recomputation(worker, arrived.report, cluster),
            // The task was skipped while it ran.
            TaskState::Failed(_) => {}
        }
    }

    fn apply_to_open(&mut self, mut arrived: HeldBack, cluster: &mut dyn Cluster) {
        let task = arrived.report.task;
        let inputs = &self.definition.instance(task).inputs;
        if arrived.report.result.is_ok() {
            while let Some(&input) = inputs.get(arrived.n_done) {
                if self.is_open(input) {
                    self.held_back.entry(input).or_default().push(arrived);
                    return;
                }
                arrived.n_done += 1;
            }
        }
        let HeldBack { worker, report, .. } = arrived;
        match report.result {
            Ok(output) => {
                self.tasks[task.index()] = TaskState::Done {
                    output,
                    failures: 0,
                };
                self.unfinished -= 1;
                self.workers[worker.index()].idle_deaths = 0;
                self.supply_late_consumers(task, report.epoch, cluster);
            }
            Err(_) if report.will_retry => {
                let attempt = report.attempt + 1;
                self.tasks[task.index()] = TaskState::Open { attempt };
            }
            Err(kind) => self.fail(task, report.attempt, *kind, cluster),
        }
    }

    fn apply_recomputation(
        &mut self,
        worker: ProcessorId,
        report: AttemptReport,
        cluster: &mut dyn Cluster,
    ) {
        let task = report.task;
        match report.result {
            Ok(_) => {
                self.set_failures(task, 0);
                let state = &mut self.workers[worker.index()];
                state.lacking.remove(&task);
                state.forget_recomputing(task);
            }
            Err(_) if report.will_retry => self.set_failures(task, report.attempt),
            Err(kind) => self.fail_recomputation(worker, task, (report.attempt, *kind), cluster),
        }
    }

    fn set_failures(&mut self, task: TaskId, n: u32) {
        if let TaskState::Done { failures, .. } = &mut self.tasks[task.index()] {
            *failures = n;
        }
    }

    pub(crate) fn is_open(&self, task: TaskId) -> bool {
        matches!(self.tasks[task.index()], TaskState::Open { .. })
    }

    fn is_done(&self, task: TaskId) -> bool {
        matches!(self.tasks[task.index()], TaskState::Done { .. })
    }

    fn is_at(&self, task: TaskId, worker: ProcessorId) -> bool {
        self.plan.homes[task.index()].worker == worker
    }

    /// The first open step of a worker. Takes amortized constant time.
    fn first_open(&mut self, worker: ProcessorId) -> Option<&'a Step> {
        let steps = self.plan.steps_of(worker);
        let mut position = self.workers[worker.index()].position;
        while steps
            .get(position)
            .is_some_and(|step| !self.is_open(step.task))
        {
            position += 1;
        }
        self.workers[worker.index()].position = position;
        steps.get(position)
    }

    /// The open steps of a worker in order, each with its next attempt.
    fn open_steps(&self, worker: ProcessorId) -> Vec<(&'a Step, OpenStep)> {
        let first = self.workers[worker.index()].position;
        let steps = self.plan.steps_of(worker).iter();
        let steps = steps.zip(0_u32..).skip(first);
        let open = steps.filter_map(|(step, position)| match self.tasks[step.task.index()] {
            TaskState::Open { attempt } => Some((step, OpenStep { position, attempt })),
            _ => None,
        });
        open.collect()
    }

    /// The task that a worker should be running, because all its inputs are done.
    pub(crate) fn due_task(&mut self, worker: ProcessorId) -> Option<DueTask> {
        let task = match self.workers[worker.index()].recomputing.front() {
            Some(&task) => task,
            None => self.first_open(worker)?.task,
        };
        let attempt = match self.tasks[task.index()] {
            TaskState::Open { attempt } => attempt,
            TaskState::Done { failures, .. } => failures + 1,
            TaskState::Failed(_) => return None,
        };
        let instance = self.definition.instance(task);
        let is_ready = instance.inputs.iter().all(|&input| self.is_done(input));
        is_ready.then_some(DueTask {
            task,
            attempt,
            limit: instance.limits.within,
        })
    }

    /// The name of a task.
    pub(crate) fn name(&self, task: TaskId) -> &'a str {
        self.definition.task_graph.name(task)
    }

    /// The time limit of a task.
    pub(crate) fn limit(&self, task: TaskId) -> Option<Duration> {
        self.definition.instance(task).limits.within
    }

    /// Handles a body that has exceeded its time limit: kills the worker. [`on_exited`](Self::on_exited) then charges
    /// the task.
    pub(crate) fn on_exceeded(
        &mut self,
        worker: ProcessorId,
        exceeded: (TaskId, Duration),
        cluster: &mut dyn Cluster,
    ) {
        if cluster.kill(worker) {
            self.workers[worker.index()].killed_for = Some(exceeded);
        }
    }

    /// The first open step of each worker and its open inputs, for a message about a run that cannot go on.
    pub(crate) fn describe_open(&mut self) -> String {
        let workers = (0..self.workers.len()).map(ProcessorId::new);
        let steps = workers.filter_map(|worker| {
            let step = self.first_open(worker)?;
            let name = |task: &TaskId| self.definition.task_graph.name(*task);
            let open = step.inputs.iter().filter(|&&input| self.is_open(input));
            let open: Vec<_> = open.map(name).collect();
            let recomputing: Vec<_> = self.workers[worker.index()].recomputing.iter().collect();
            let recomputing: Vec<_> = recomputing.into_iter().map(name).collect();
            Some(format!(
                "worker {worker} has `{}` to run, waits for {open:?}, computes {recomputing:?} again",
                name(&step.task)
            ))
        });
        steps.collect::<Vec<_>>().join("; ")
    }

    /// Ends all unfinished tasks. Returns the workers that may be running a task; the caller kills these.
    pub(crate) fn on_cancel(
        &mut self,
        timeout: Option<Duration>,
        cluster: &mut dyn Cluster,
    ) -> Vec<ProcessorId> {
        let workers = (0..self.workers.len()).map(ProcessorId::new);
        let busy = workers.filter(|&worker| self.first_open(worker).is_some());
        let busy: Vec<_> = busy.collect();
        // Held-back results exist and are kept, although their inputs were not reported.
        for held_back in std::mem::take(&mut self.held_back).into_values().flatten() {
            let n_done = self.definition.instance(held_back.report.task).inputs.len();
            self.apply(
                HeldBack {
                    n_done,
                    ..held_back
                },
                cluster,
            );
        }
        for index in 0..self.tasks.len() {
            if let TaskState::Open { attempt } = self.tasks[index] {
                let task = TaskId::new(index);
                let error = self
                    .definition
                    .blame(task, attempt, TaskErrorKind::Cancelled)
                    .cancelled_by(timeout);
                self.tasks[index] = TaskState::Failed(error);
            }
        }
        self.unfinished = 0;
        busy
    }

    /// Sends `End` to all workers of the run.
    pub(crate) fn end(&self, cluster: &mut dyn Cluster) {
        let workers = (0..self.workers.len()).map(ProcessorId::new);
        for worker in workers.filter(|&worker| self.uses(worker)) {
            cluster.send(worker, ToWorker::End { run: self.run });
        }
    }

    /// By task: the bytes of an output, or the error of a failed task.
    pub(crate) fn into_results(self) -> Vec<Option<Result<Payload, TaskError>>> {
        let result = |task: TaskState| match task {
            TaskState::Open { .. } => None,
            TaskState::Done { output, .. } => output.map(Ok),
            TaskState::Failed(error) => Some(Err(error)),
        };
        self.tasks.into_iter().map(result).collect()
    }
}

/// A task that a worker should be running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueTask {
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    /// The time limit of the task's body, if it has one.
    pub(crate) limit: Option<Duration>,
}

/// Encodes a part of a message.
fn encode<T: serde::Serialize>(value: &T) -> Result<Payload, String> {
    codec::encode_fields(value)
}
