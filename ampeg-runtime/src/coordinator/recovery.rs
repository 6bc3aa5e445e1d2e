//! What a worker's death takes with it, and how that is made good.
//!
//! The task that the worker was running has crashed, or has exceeded its limit.
//! Everything else that it had to do goes to its replacement. Results that these steps need are sent again if the
//! coordinator has them; else they are computed again, on the replacement, and so are those that these need in turn.

use super::{Coordinator, Ending, IDLE_DEATHS};
use crate::error::Error;
use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::message::{Running, ToWorker};
use crate::plan::Step;
use crate::transport::{Cluster, Exit};
use std::collections::HashSet;

impl Coordinator<'_> {
    /// A worker is gone, and was running this attempt at a task, or none.
    ///
    /// `load` is what gives the graph to a new worker.
    /// False if no new worker could be started: then its tasks have failed, and all others go on.
    pub(crate) fn on_exit(
        &mut self,
        worker: ProcessorId,
        (exit, running): (Exit, Option<Running>),
        load: &[ToWorker],
        cluster: &mut dyn Cluster,
    ) -> bool {
        // What it told too early counts as not told, like all that it has not told.
        self.ahead.retain(|(other, _)| *other != worker);
        self.settle_running(worker, exit, running, cluster);
        self.catch_up(cluster);
        if let Err(error) = cluster.restart(worker) {
            self.give_up(worker, &error, cluster);
            self.catch_up(cluster);
            return false;
        }
        self.note_change(worker);
        for message in load {
            cluster.send(worker, message.clone());
        }
        // What was being computed again is looked at afresh, with all that is lost now.
        let queue = &mut self.workers[worker.index()].queue;
        queue.retain(|step| !step.again);
        let steps: Vec<_> = queue.iter().cloned().collect();
        let needed: Vec<_> = steps
            .iter()
            .flat_map(|step| step.inputs.iter().copied())
            .collect();
        self.send_steps(worker, steps, cluster);
        self.supply(worker, &needed, cluster);
        true
    }

    /// Fails all that a worker had to do: there is nobody to do it.
    fn give_up(&mut self, worker: ProcessorId, error: &Error, cluster: &mut dyn Cluster) {
        while let Some(step) = self.workers[worker.index()].queue.front() {
            let (task, attempt) = (step.task, step.attempt);
            self.workers[worker.index()].queue.remove(0);
            let reason = error.to_string();
            let kind = TaskErrorKind::NoWorker { reason };
            self.fail(worker, task, (attempt, kind), cluster);
        }
    }

    /// Decides what becomes of the task that a dead worker was running.
    fn settle_running(
        &mut self,
        worker: ProcessorId,
        exit: Exit,
        running: Option<Running>,
        cluster: &mut dyn Cluster,
    ) {
        let state = &mut self.workers[worker.index()];
        let exceeded = state.exceeded.take();
        let running = running.and_then(|running| {
            let position = state.queue.find(running.task)?;
            let step = state.queue.get(position)?;
            Some((position, step.task, running.attempt, step.attempts))
        });
        let (position, task, attempt, attempts) = match (running, state.queue.front()) {
            // It was killed for a task that has ended all the same, and this one came next.
            (Some((_, running, ..)), _) if exceeded.is_some_and(|(task, _)| task != running) => {
                return;
            }
            (Some(running), _) => running,
            (None, Some(step)) if state.idle_deaths + 1 >= IDLE_DEATHS => {
                (0, step.task, step.attempts, step.attempts)
            }
            (None, _) => {
                // Nobody's fault that is known: it does not count as an attempt.
                state.idle_deaths += 1;
                return;
            }
        };
        state.idle_deaths = 0;
        let crash = TaskErrorKind::Crashed {
            signal: exit.signal,
            exit_code: exit.code,
            stderr: exit.stderr,
        };
        let kind = exceeded.map_or(crash, |(_, limit)| TaskErrorKind::TimedOut { limit });
        if attempt < attempts {
            state.queue.set_attempt(position, attempt + 1);
        } else {
            state.queue.remove(position);
            self.fail(worker, task, (attempt, kind), cluster);
        }
    }

    /// Every other worker has been told of the replacement; the replacement starts with knowing all others.
    fn note_change(&mut self, replaced: ProcessorId) {
        for (index, worker) in self.workers.iter_mut().enumerate() {
            if index == replaced.index() {
                worker.peer_changes = 0;
                worker.knows_from.fill(0);
            } else {
                worker.peer_changes += 1;
                worker.knows_from[replaced.index()] = worker.peer_changes;
            }
        }
    }

    /// Sees to it that a worker gets these results: those that exist already. The others are still to come,
    /// from where they are computed.
    ///
    /// A lost result that the worker is computing again anyway is computed once more: it may have done so and let go of
    /// it, and not have told yet.
    pub(super) fn supply(
        &mut self,
        worker: ProcessorId,
        needed: &[TaskId],
        cluster: &mut dyn Cluster,
    ) {
        let mut seen = HashSet::new();
        let (mut values, mut lost) = (Vec::new(), Vec::new());
        let mut next: Vec<TaskId> = needed.to_vec();
        while let Some(task) = next.pop() {
            let state = &self.tasks[task.index()];
            if !matches!(state.ending, Ending::Done) || !seen.insert(task) {
                continue;
            }
            if let Some(payload) = &state.payload {
                values.push((task, payload.clone()));
            } else {
                lost.push(task);
                next.extend(&self.definition.instance(task).inputs);
            }
        }
        self.compute_again(worker, lost, cluster);
        for (task, payload) in values {
            self.send_value(worker, task, payload, cluster);
        }
    }

    /// Puts lost results in front of what a worker has to do.
    fn compute_again(&mut self, worker: ProcessorId, lost: Vec<TaskId>, cluster: &mut dyn Cluster) {
        if lost.is_empty() {
            return;
        }
        let lost: HashSet<_> = lost.into_iter().collect();
        let order = self.definition.task_graph.topological_order().iter();
        let steps: Vec<_> = order
            .filter(|task| lost.contains(task))
            .map(|&task| Step::again(self.definition, task))
            .collect();
        let queue = &mut self.workers[worker.index()].queue;
        queue.insert_again(steps.clone());
        self.send_steps(worker, steps, cluster);
    }
}
