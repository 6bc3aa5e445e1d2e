//! Replaces dead workers and recomputes lost results.
//!
//! The task that the worker was running loses an attempt; its replacement takes over all unfinished steps.
//! The coordinator sends the inputs of these steps again if it has them. Otherwise the replacement computes them again,
//! and their inputs in turn.

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
    /// A worker is gone; this is what it was doing.
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

    /// A worker was killed while it was being started; the next one is on its way.
    pub(crate) fn on_killed_at_start(
        &mut self,
        worker: ProcessorId,
        exit: &Exit,
        cluster: &mut dyn Cluster,
    ) {
        self.charge_idle_death(worker, exit, cluster);
    }

    /// No worker can be started here: all that it had to do fails.
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

    /// A worker is there again, and knows graph and plan: it takes over what is open.
    ///
    /// The caller introduces it to the others after this, so that their values arrive after these messages.
    pub(crate) fn on_joined(
        &mut self,
        worker: ProcessorId,
        cluster: &mut dyn Cluster,
    ) -> Result<(), String> {
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

    /// Forgets what a worker that is gone was computing again.
    fn forget_recomputations(&mut self, worker: ProcessorId) {
        let state = &mut self.workers[worker.index()];
        state.recomputing.clear();
        state.lacking.clear();
    }

    /// A task is done. Consumers that were introduced after its worker sent the result have not got it: it went to
    /// the workers before them, or to nobody.
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
            // What is not there yet is given all that is done when it joins.
            let is_late = consumer != home
                && cluster.since(consumer).is_some_and(|since| since > sent)
                && self.is_open(successor.task);
            if is_late && !late.contains(&consumer) {
                late.push(consumer);
            }
        }
        for consumer in late {
            // Without memory for the message the consumer cannot go on.
            if self
                .resend_or_recompute(consumer, &[task], cluster)
                .is_err()
            {
                cluster.kill(consumer);
            }
        }
    }

    /// Sends a worker the results that are done among `needed`, or has it compute them again.
    ///
    /// The others will be sent by the workers that compute them. A result that the worker already has to compute
    /// again is computed once more: the worker may have done that and dropped the value, and not have reported it yet.
    ///
    /// Takes time in proportion to the results and their dependencies, and `n log n` for `n` lost ones.
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

    /// Has a worker compute lost results, each right before the first of its open steps that needs it.
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
        // Users come before what they use.
        lost.sort_by_cached_key(|task| Reverse(lookup.rank[task.index()]));
        for &task in &*lost {
            lookup.first_use[task.index()] = self.first_use(worker, task, lookup);
        }
        // The order in which the worker computes them. A result comes before those that need it, since it is needed no
        // later than they are.
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

    /// The position of the first open step of a worker that needs a lost result, by itself or for another lost one.
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

/// What is looked up per task when lost results are to be computed again: hash tables would take most of the time.
#[derive(Debug)]
pub(super) struct Lookup {
    /// The place of each task in the topological order.
    rank: Vec<u32>,
    /// The position of the first open step that needs a lost result; [`UNSEEN`] but while that is worked out.
    first_use: Vec<u32>,
}

/// No open step needs the result.
const NO_STEP: u32 = u32::MAX;
/// The task has not been looked at.
const UNSEEN: u32 = u32::MAX - 1;
