//! Fails the tasks that depend on a failed task, and no others.

use super::{Coordinator, TaskState};
use crate::base::failure::{TaskError, TaskErrorKind};
use crate::run::cluster::Cluster;
use crate::run::message::ToWorker;
use ampeg_schedule::{ProcessorId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// The number of positions in one `Skip` message. Each takes at most five bytes, so the message stays far below the
/// size of a socket's buffer.
const POSITIONS_PER_MESSAGE: usize = 8_192;

impl Coordinator<'_> {
    /// Fails an open task for good, with all tasks that depend on it.
    pub(super) fn fail(
        &mut self,
        task: TaskId,
        attempt: u32,
        kind: TaskErrorKind,
        cluster: &mut dyn Cluster,
    ) {
        let error = self.definition.blame(task, attempt, kind);
        self.failures += 1;
        let mut skipped = Skipped::default();
        self.close(task, error.clone());
        self.fail_successors(task, &error, &mut skipped);
        self.skip(skipped, cluster);
    }

    /// Handles a lost result that a worker cannot compute again. Other workers have, or had, this result, so only
    /// steps of this worker fail: its open steps that need the result, or a result that it would have computed from
    /// this one.
    pub(super) fn fail_recomputation(
        &mut self,
        worker: ProcessorId,
        task: TaskId,
        (attempt, kind): (u32, TaskErrorKind),
        cluster: &mut dyn Cluster,
    ) {
        let error = self.definition.blame(task, attempt, kind);
        self.failures += 1;
        // Another worker that needs the result later gets all attempts, too.
        self.set_failures(task, 0);
        let state = &mut self.workers[worker.index()];
        state.forget_recomputing(task);
        let mut recomputing = std::mem::take(&mut state.recomputing);
        // The list is in the order of computation: a result comes after the results that it needs.
        let mut missing = BTreeSet::from([task]);
        recomputing.retain(|&other| {
            let mut inputs = self.definition.instance(other).inputs.iter();
            let needs_missing = inputs.any(|input| missing.contains(input));
            if needs_missing {
                missing.insert(other);
            }
            !needs_missing
        });
        self.workers[worker.index()].recomputing = recomputing;
        let mut skipped = Skipped::default();
        for &lost in &missing {
            if !self.workers[worker.index()].lacking.remove(&lost) {
                continue;
            }
            let graph = &self.definition.task_graph;
            for successor in graph.successors(lost) {
                if self.is_at(successor.task, worker) && self.is_open(successor.task) {
                    self.fail_dependent(successor.task, &error, &mut skipped);
                    self.fail_successors(successor.task, &error, &mut skipped);
                }
            }
        }
        missing.remove(&task);
        if !missing.is_empty() {
            let message = ToWorker::Skip {
                run: self.run,
                steps: Vec::new(),
                recomputations: missing.into_iter().collect(),
            };
            cluster.send(worker, message);
        }
        self.skip(skipped, cluster);
    }

    /// Fails all open tasks that depend on a failed task. Takes linear time in the number of their dependencies.
    fn fail_successors(&mut self, failed: TaskId, cause: &TaskError, skipped: &mut Skipped) {
        let mut next = vec![failed];
        while let Some(task) = next.pop() {
            let graph = &self.definition.task_graph;
            for successor in graph.successors(task) {
                if self.is_open(successor.task) {
                    self.fail_dependent(successor.task, cause, skipped);
                    next.push(successor.task);
                }
            }
        }
    }

    fn fail_dependent(&mut self, task: TaskId, cause: &TaskError, skipped: &mut Skipped) {
        let cause = cause.root().clone();
        let kind = TaskErrorKind::DependencyFailed { cause };
        self.close(task, self.definition.blame(task, 1, kind));
        let home = self.plan.homes[task.index()];
        skipped.entry(home.worker).or_default().push(home.position);
    }

    fn close(&mut self, task: TaskId, error: TaskError) {
        self.tasks[task.index()] = TaskState::Failed(error);
        self.unfinished -= 1;
    }

    fn skip(&self, skipped: Skipped, cluster: &mut dyn Cluster) {
        for (worker, positions) in skipped {
            for steps in positions.chunks(POSITIONS_PER_MESSAGE) {
                let message = ToWorker::Skip {
                    run: self.run,
                    steps: steps.to_vec(),
                    recomputations: Vec::new(),
                };
                cluster.send(worker, message);
            }
        }
    }
}

/// By worker: the positions of steps that are skipped.
type Skipped = BTreeMap<ProcessorId, Vec<u32>>;
