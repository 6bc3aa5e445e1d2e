//! Follows one run: which tasks are done, what each worker still has to do, and what a death takes with it.
//!
//! State and `on_*` events; effects go through a [`Cluster`]. It reads no clock and starts no process,
//! so that it can be tested event by event. The scheduler stays outside: it is given a plan.

use crate::definition::Definition;
use crate::failure::{TaskError, TaskErrorKind};
use crate::id::{ProcessorId, TaskId};
use crate::message::{Content, Ended, RunId, ToWorker, Value};
use crate::payload::Payload;
use crate::plan::{Plan, Step};
use crate::queue::Queue;
use crate::transport::Cluster;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

mod recovery;

#[cfg(test)]
mod tests;

/// Steps that go into one message: it must stay far below what a socket buffers.
pub(crate) const STEPS_PER_MESSAGE: usize = 256;
/// After so many deaths in a row while no task was running, the next task of the worker takes the blame.
const IDLE_DEATHS: u32 = 3;

/// The state of one run.
#[derive(Debug)]
pub(crate) struct Coordinator<'a> {
    definition: &'a Definition,
    run: RunId,
    tasks: Vec<TaskState>,
    workers: Vec<WorkerState>,
    /// Results whose inputs have not been reported yet: workers tell of the past with a delay, each on its own.
    ahead: Vec<(ProcessorId, Ended)>,
    unfinished: usize,
}

#[derive(Debug)]
struct TaskState {
    home: ProcessorId,
    ending: Ending,
    /// The bytes of an output.
    payload: Option<Payload>,
}

#[derive(Debug)]
enum Ending {
    Waiting,
    Done,
    Failed(TaskError),
}

#[derive(Debug, Default)]
struct WorkerState {
    /// What it has not finished, in order.
    queue: Queue,
    /// The task that has exceeded its limit, for which it was killed.
    exceeded: Option<(TaskId, Duration)>,
    idle_deaths: u32,
    /// Changes of its peers that it has been told.
    peer_changes: u32,
    /// By peer: the number of changes from which on it knows the present one.
    knows_from: Vec<u32>,
}

impl WorkerState {
    /// The consumers of a step's result that were replaced while it was on its way, and have not got it.
    fn replaced_consumers(&self, position: usize, peer_changes: u32) -> Vec<ProcessorId> {
        let step = self.queue.get(position);
        let consumers = step.into_iter().flat_map(|step| &step.consumers).copied();
        consumers
            .filter(|consumer| peer_changes < self.knows_from[consumer.index()])
            .collect()
    }
}

impl<'a> Coordinator<'a> {
    /// The run of a plan, about to begin.
    pub(crate) fn new(definition: &'a Definition, run: RunId, plan: &Plan) -> Self {
        let n_workers = plan.queues.len();
        let tasks = plan.homes.iter().map(|&home| TaskState {
            home,
            ending: Ending::Waiting,
            payload: None,
        });
        let workers = plan.queues.iter().map(|steps| WorkerState {
            queue: Queue::of(Arc::clone(steps)),
            knows_from: vec![0; n_workers],
            ..WorkerState::default()
        });
        let tasks: Vec<_> = tasks.collect();
        Self {
            definition,
            run,
            unfinished: tasks.len(),
            tasks,
            workers: workers.collect(),
            ahead: Vec::new(),
        }
    }

    /// Whether every task has a result or an error.
    pub(crate) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// Has every worker begin with its steps, which it knows.
    pub(crate) fn begin(&self, cluster: &mut dyn Cluster) {
        for (index, worker) in self.workers.iter().enumerate() {
            if !worker.queue.is_empty() {
                cluster.send(ProcessorId::new(index), ToWorker::Begin { run: self.run });
            }
        }
    }

    /// An attempt at a task is over.
    pub(crate) fn on_ended(
        &mut self,
        worker: ProcessorId,
        ended: Ended,
        cluster: &mut dyn Cluster,
    ) {
        if ended.run != self.run {
            return;
        }
        self.workers[worker.index()].idle_deaths = 0;
        if self.is_ahead(&ended) {
            self.ahead.push((worker, ended));
            return;
        }
        self.take_in(worker, ended, cluster);
        self.catch_up(cluster);
    }

    /// Whether a task has a result before one of its inputs has: then the news of that one is still on its way.
    ///
    /// If its worker has died meanwhile, it is computed again, which recovery must be able to rely on.
    fn is_ahead(&self, ended: &Ended) -> bool {
        let mut inputs = self.definition.instance(ended.task).inputs.iter();
        let is_waiting =
            |input: &TaskId| matches!(self.tasks[input.index()].ending, Ending::Waiting);
        ended.result.is_ok() && inputs.any(is_waiting)
    }

    /// Takes in the results that are no longer ahead of their inputs.
    fn catch_up(&mut self, cluster: &mut dyn Cluster) {
        while let Some(place) = self.ahead.iter().position(|(_, it)| !self.is_ahead(it)) {
            let (worker, ended) = self.ahead.remove(place);
            self.take_in(worker, ended, cluster);
        }
    }

    fn take_in(&mut self, worker: ProcessorId, ended: Ended, cluster: &mut dyn Cluster) {
        let state = &mut self.workers[worker.index()];
        let Some(position) = state.queue.find(ended.task) else {
            return;
        };
        if ended.tries_again {
            state.queue.set_attempt(position, ended.attempt + 1);
            return;
        }
        let consumers = state.replaced_consumers(position, ended.peer_changes);
        state.queue.remove(position);
        match ended.result {
            Ok(payload) => self.on_result(ended.task, payload, &consumers, cluster),
            Err(kind) => self.fail(worker, ended.task, (ended.attempt, *kind), cluster),
        }
    }

    /// A task has a result, which these consumers were replaced too late to have got.
    fn on_result(
        &mut self,
        task: TaskId,
        payload: Option<Payload>,
        replaced_consumers: &[ProcessorId],
        cluster: &mut dyn Cluster,
    ) {
        let state = &mut self.tasks[task.index()];
        if matches!(state.ending, Ending::Waiting) {
            state.ending = Ending::Done;
            state.payload = payload;
            self.unfinished -= 1;
        }
        for &consumer in replaced_consumers {
            let queue = &self.workers[consumer.index()].queue;
            if queue.iter().any(|other| other.inputs.contains(&task)) {
                self.supply(consumer, &[task], cluster);
            }
        }
    }

    /// A task has failed for good on a worker; what depends on it will not be run.
    fn fail(
        &mut self,
        worker: ProcessorId,
        failed: TaskId,
        (attempt, kind): (u32, TaskErrorKind),
        cluster: &mut dyn Cluster,
    ) {
        let error = self.definition.blame(failed, attempt, kind);
        // If the result exists and only computing it once more has failed, it is missing here and nowhere else.
        let exists = matches!(self.tasks[failed.index()].ending, Ending::Done);
        if matches!(self.tasks[failed.index()].ending, Ending::Waiting) {
            self.tasks[failed.index()].ending = Ending::Failed(error.clone());
            self.unfinished -= 1;
        }
        let mut skipped = HashSet::new();
        let mut next = vec![failed];
        while let Some(task) = next.pop() {
            for successor in self.definition.task_graph.successors(task) {
                let state = &mut self.tasks[successor.task.index()];
                let concerned = task != failed || !exists || state.home == worker;
                if concerned && matches!(state.ending, Ending::Waiting) {
                    let cause = error.clone();
                    let kind = TaskErrorKind::DependencyFailed { cause };
                    state.ending = Ending::Failed(self.definition.blame(successor.task, 1, kind));
                    self.unfinished -= 1;
                    skipped.insert(successor.task);
                    next.push(successor.task);
                }
            }
        }
        if !skipped.is_empty() {
            self.skip(&skipped, cluster);
        }
    }

    fn skip(&mut self, skipped: &HashSet<TaskId>, cluster: &mut dyn Cluster) {
        let run = self.run;
        for (index, worker) in self.workers.iter_mut().enumerate() {
            let mut here = Vec::new();
            worker.queue.retain(|step| {
                let stays = !skipped.contains(&step.task);
                if !stays {
                    here.push(step.task);
                }
                stays
            });
            for tasks in here.chunks(STEPS_PER_MESSAGE) {
                let tasks = tasks.to_vec();
                cluster.send(ProcessorId::new(index), ToWorker::Skip { run, tasks });
            }
        }
    }

    /// Ends all that is unfinished, and every worker that has something to do; returns the workers killed.
    ///
    /// A worker that is not running a task in this moment may start one before any message reaches it.
    pub(crate) fn on_cancel(&mut self, cluster: &mut dyn Cluster) -> Vec<ProcessorId> {
        for (worker, ended) in std::mem::take(&mut self.ahead) {
            self.take_in(worker, ended, cluster);
        }
        for (index, task) in self.tasks.iter_mut().enumerate() {
            if matches!(task.ending, Ending::Waiting) {
                let cancelled = TaskErrorKind::Cancelled;
                let error = self.definition.blame(TaskId::new(index), 1, cancelled);
                task.ending = Ending::Failed(error);
            }
        }
        self.unfinished = 0;
        let workers = (0..self.workers.len()).map(ProcessorId::new);
        workers
            .filter(|worker| !self.workers[worker.index()].queue.is_empty())
            .filter(|&worker| cluster.kill(worker))
            .collect()
    }

    /// A task has run for longer than it may: its worker is ended, and [`on_exit`](Self::on_exit) tells the rest.
    pub(crate) fn on_exceeded(
        &mut self,
        worker: ProcessorId,
        exceeded: (TaskId, Duration),
        cluster: &mut dyn Cluster,
    ) {
        if cluster.kill(worker) {
            self.workers[worker.index()].exceeded = Some(exceeded);
        }
    }

    /// Tells the workers that the run is over.
    pub(crate) fn end(&self, cluster: &mut dyn Cluster) {
        for index in 0..self.workers.len() {
            cluster.send(ProcessorId::new(index), ToWorker::End { run: self.run });
        }
    }

    /// The results of all tasks that have one, and the errors of the others.
    pub(crate) fn into_results(self) -> Vec<Option<Result<Payload, TaskError>>> {
        let result = |task: TaskState| match task.ending {
            Ending::Waiting => None,
            Ending::Done => task.payload.map(Ok),
            Ending::Failed(error) => Some(Err(error)),
        };
        self.tasks.into_iter().map(result).collect()
    }

    fn send_steps(&self, to: ProcessorId, steps: Vec<Step>, cluster: &mut dyn Cluster) {
        let run = self.run;
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            let chunk = steps.by_ref().take(STEPS_PER_MESSAGE).collect();
            let more = steps.peek().is_some();
            cluster.send(
                to,
                ToWorker::Steps {
                    run,
                    steps: chunk,
                    more,
                },
            );
        }
    }

    fn send_value(
        &self,
        to: ProcessorId,
        task: TaskId,
        payload: Payload,
        cluster: &mut dyn Cluster,
    ) {
        let run = self.run;
        let sent = crate::clock::now();
        cluster.send(
            to,
            ToWorker::Value(Value {
                run,
                task,
                content: Content::Whole(payload),
                sent,
            }),
        );
    }
}
