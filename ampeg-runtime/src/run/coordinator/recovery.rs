//! Replaces dead workers and recomputes lost results.
//!
//! The death of a worker uses up an attempt at the task that the worker was running. The worker's replacement takes
//! over all unfinished steps. The coordinator sends the inputs of these steps again if it has them. Otherwise, the
//! replacement computes the inputs again, and their inputs in turn.

use super::{Coordinator, TaskState, encode};
use crate::base::failure::TaskErrorKind;
use crate::base::logging;
use crate::plan::Step;
use crate::run::cluster::{Cluster, Exit};
use crate::run::message::{Content, Epoch, Recomputation, ToWorker, Value};
use crate::run::progress::Activity;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use std::cmp::Reverse;

impl Coordinator<'_> {
    /// Handles the exit of a worker. `activity` is the worker's last activity.
    pub(crate) fn on_exited(
        &mut self,
        worker: ProcessorId,
        exit: Exit,
        activity: &Activity,
        cluster: &mut dyn Cluster,
    ) {
        // Its held-back reports are dropped; those tasks run again on the replacement.
        for reports in self.held_back.values_mut() {
            reports.retain(|held_back| held_back.worker != worker);
        }
        self.charge_death(worker, exit, activity, cluster);
        self.forget_recomputations(worker);
    }

    /// Handles the death of a worker that was killed while it started. The caller starts the next process.
    pub(crate) fn on_killed_at_start(
        &mut self,
        worker: ProcessorId,
        exit: &Exit,
        cluster: &mut dyn Cluster,
    ) {
        self.charge_idle_death(worker, exit, cluster);
    }

    /// Handles a worker that cannot be started: all its open steps fail.
    pub(crate) fn on_given_up(
        &mut self,
        worker: ProcessorId,
        reason: &str,
        cluster: &mut dyn Cluster,
    ) {
        while let Some(task) = self.first_open(worker).map(|step| step.task) {
            if let TaskState::Open { attempt } = self.tasks[task.index()] {
                let reason = reason.to_owned();
                self.fail(task, attempt, TaskErrorKind::NoWorker { reason }, cluster);
            }
        }
    }

    /// Handles a replacement that has joined, and that knows graph and plan: it takes over all open steps.
    ///
    /// The caller introduces the worker to the others after this, so that values from other workers arrive after
    /// these messages.
    pub(crate) fn on_joined(
        &mut self,
        worker: ProcessorId,
        cluster: &mut dyn Cluster,
    ) -> Result<(), String> {
        // Advances `position`, where `open_steps` begins.
        self.first_open(worker);
        self.forget_recomputations(worker);
        let open = self.open_steps(worker);
        let inputs = open
            .iter()
            .flat_map(|(step, _)| step.inputs.iter().copied());
        let needed: Vec<_> = inputs.collect();
        let open: Vec<_> = open.into_iter().map(|(_, open)| open).collect();
        let (run, open) = (self.run, Some(encode(&open)?));
        cluster.send(worker, ToWorker::Begin { run, open });
        self.resend_or_recompute(worker, &needed, cluster)
    }

    /// Drops the recomputations of a worker that is gone.
    fn forget_recomputations(&mut self, worker: ProcessorId) {
        let state = &mut self.workers[worker.index()];
        state.recomputing.clear();
        state.lacking.clear();
    }

    /// Supplies consumers of a task that is done. A consumer that was introduced after the task's worker sent the
    /// result has not received it: the result went to the previous process of the consumer, or to none.
    pub(super) fn supply_late_consumers(
        &mut self,
        task: TaskId,
        sent: Epoch,
        cluster: &mut dyn Cluster,
    ) {
        if sent >= cluster.epoch() {
            return;
        }
        let home = self.plan.homes[task.index()].worker;
        let mut late = Vec::new();
        for successor in self.definition.task_graph.successors(task) {
            let consumer = self.plan.homes[successor.task.index()].worker;
            // An absent consumer gets all inputs that are done when it joins.
            let is_late = consumer != home
                && cluster.since(consumer).is_some_and(|since| since > sent)
                && self.is_open(successor.task);
            if is_late && !late.contains(&consumer) {
                late.push(consumer);
            }
        }
        for consumer in late {
            // Without memory for the message, the consumer would wait for ever. It is killed, and its replacement
            // gets the result.
            if self
                .resend_or_recompute(consumer, &[task], cluster)
                .is_err()
            {
                cluster.kill(consumer);
            }
        }
    }

    /// Sends a worker those results among `needed` that are done, or makes it compute them again.
    ///
    /// Results that are not done will be sent by the workers that compute them. A result whose recomputation the
    /// worker has already queued is queued again, since the worker may have finished it and dropped the value without
    /// having reported it.
    ///
    /// Takes linear time in the number of results and their dependencies, and `n log n` for `n` lost results.
    fn resend_or_recompute(
        &mut self,
        worker: ProcessorId,
        needed: &[TaskId],
        cluster: &mut dyn Cluster,
    ) -> Result<(), String> {
        let mut lookup = self.lookup.take().unwrap_or_else(|| self.new_lookup());
        let (mut values, mut lost) = (Vec::new(), Vec::new());
        let mut next: Vec<TaskId> = needed.to_vec();
        while let Some(task) = next.pop() {
            let TaskState::Done { output, .. } = &self.tasks[task.index()] else {
                continue;
            };
            let first_use = &mut lookup.first_use[task.index()];
            if *first_use != UNSEEN {
                continue;
            }
            *first_use = NO_STEP;
            if let Some(payload) = output {
                values.push((task, payload.clone()));
            } else {
                lost.push(task);
                next.extend(&self.definition.instance(task).inputs);
            }
        }
        let sent = if lost.is_empty() {
            Ok(())
        } else {
            self.recompute(worker, needed, &mut lost, &mut lookup, cluster)
        };
        for task in values.iter().map(|(task, _)| task).chain(&lost) {
            lookup.first_use[task.index()] = UNSEEN;
        }
        self.lookup = Some(lookup);
        sent?;
        for (task, payload) in values {
            self.resend(worker, task, payload, cluster);
        }
        Ok(())
    }

    fn new_lookup(&self) -> Lookup {
        let mut lookup = Lookup {
            rank: vec![0; self.tasks.len()],
            first_use: vec![UNSEEN; self.tasks.len()],
        };
        let order = self.definition.task_graph.topological_order();
        for (rank, task) in (0..).zip(order) {
            lookup.rank[task.index()] = rank;
        }
        lookup
    }

    fn resend(
        &self,
        worker: ProcessorId,
        task: TaskId,
        payload: Payload,
        cluster: &mut dyn Cluster,
    ) {
        let value = Value {
            run: self.run,
            task,
            content: Content::Whole(payload),
            sent: cluster.now(),
        };
        cluster.send(worker, ToWorker::Value(value));
    }

    /// Makes a worker compute lost results again, each right before the first open step that needs it.
    fn recompute(
        &mut self,
        worker: ProcessorId,
        needed: &[TaskId],
        lost: &mut [TaskId],
        lookup: &mut Lookup,
        cluster: &mut dyn Cluster,
    ) -> Result<(), String> {
        for &task in &*lost {
            let name = self.name(task);
            logging::debug(format_args!(
                "worker {worker} computes `{name}` again: its result is lost"
            ));
        }
        // In this order, all users of a result come before the result.
        lost.sort_by_cached_key(|task| Reverse(lookup.rank[task.index()]));
        for &task in &*lost {
            lookup.first_use[task.index()] = self.first_use(worker, task, lookup);
        }
        // The order of computation. A result is needed no later than the results that use it, so it comes before
        // them.
        lost.sort_by_cached_key(|task| {
            let index = task.index();
            (lookup.first_use[index], lookup.rank[index])
        });
        let state = &mut self.workers[worker.index()];
        state.recomputing.extend(&*lost);
        let is_lost = |task: &&TaskId| match &self.tasks[task.index()] {
            TaskState::Done { output, .. } => output.is_none(),
            _ => false,
        };
        state.lacking.extend(needed.iter().filter(is_lost));
        let steps = lost.iter().map(|&task| Recomputation {
            step: Step::recomputing(self.definition, task),
            attempt: match self.tasks[task.index()] {
                TaskState::Done { failures, .. } => failures + 1,
                _ => 1,
            },
            before: lookup.first_use[task.index()],
        });
        let steps = encode(&steps.collect::<Vec<_>>())?;
        let run = self.run;
        cluster.send(worker, ToWorker::Recompute { run, steps });
        Ok(())
    }

    /// The position of a worker's first open step that needs a lost result, directly or for another lost result.
    fn first_use(&self, worker: ProcessorId, task: TaskId, lookup: &Lookup) -> u32 {
        let successors = self.definition.task_graph.successors(task).iter();
        let uses = successors.map(|successor| {
            let user = successor.task;
            if self.is_open(user) {
                let home = self.plan.homes[user.index()];
                let is_here = home.worker == worker;
                return if is_here { home.position } else { NO_STEP };
            }
            match lookup.first_use[user.index()] {
                UNSEEN => NO_STEP,
                first => first,
            }
        });
        uses.min().unwrap_or(NO_STEP)
    }
}

/// Tables by task for finding lost results. Hash tables would take most of the time of a recovery.
#[derive(Debug)]
pub(super) struct Lookup {
    /// The position of each task in the topological order.
    rank: Vec<u32>,
    /// The position of the first open step that needs a lost result. [`UNSEEN`] outside
    /// [`Coordinator::resend_or_recompute`].
    first_use: Vec<u32>,
}

/// No open step needs the result.
const NO_STEP: u32 = u32::MAX;
/// The task was not visited.
const UNSEEN: u32 = u32::MAX - 1;
