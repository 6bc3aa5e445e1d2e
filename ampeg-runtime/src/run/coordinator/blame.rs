//! Decides which task loses an attempt by a worker's death.

use super::{Coordinator, TaskState};
use crate::base::failure::TaskErrorKind;
use crate::run::cluster::{Cluster, Exit};
use crate::run::progress::{Activity, Running};
use ampeg_schedule::{ProcessorId, TaskId};

/// The number of idle deaths in a row that use up an attempt at the worker's next step. A death is idle if the worker
/// was running no task. The cause of these deaths may be code that the worker runs before or after a task. The count
/// starts again when a step is done.
pub(super) const IDLE_DEATHS: u32 = 3;

impl Coordinator<'_> {
    /// Decides what the death of a worker costs: an attempt at the task that it was running, or none.
    ///
    /// Each death uses up an attempt or counts as idle, and every third idle death in a row uses up an attempt. So a
    /// run ends, however often workers die.
    pub(super) fn charge_death(
        &mut self,
        worker: ProcessorId,
        exit: Exit,
        activity: &Activity,
        cluster: &mut dyn Cluster,
    ) {
        let killed_for = self.workers[worker.index()].killed_for.take();
        let running = activity.running_in(self.run);
        match (killed_for, running) {
            // The task that exceeded its limit may have ended before the kill. Then no task is to blame.
            (Some((task, limit)), Some(running)) if running.task == task => {
                let kind = TaskErrorKind::TimedOut { limit };
                self.charge(worker, running, kind, cluster);
            }
            // If this side has ended the worker for another reason, its task is not to blame.
            (None, Some(running))
                if exit.reason.is_none() && self.may_run(worker, running.task) =>
            {
                let kind = TaskErrorKind::Crashed {
                    signal: exit.signal,
                    exit_code: exit.code,
                    stderr: exit.stderr,
                    panics: exit.panics,
                };
                self.charge(worker, running, kind, cluster);
            }
            _ => self.charge_idle_death(worker, &exit, cluster),
        }
    }

    /// Counts the death of a worker that was running no task, or whose task is not to blame.
    pub(super) fn charge_idle_death(
        &mut self,
        worker: ProcessorId,
        exit: &Exit,
        cluster: &mut dyn Cluster,
    ) {
        self.workers[worker.index()].idle_deaths += 1;
        if self.workers[worker.index()].idle_deaths < IDLE_DEATHS {
            return;
        }
        self.workers[worker.index()].idle_deaths = 0;
        let Some(task) = self.first_open(worker).map(|step| step.task) else {
            return;
        };
        let reason = format!(
            "its worker ended {IDLE_DEATHS} times in a row before the task began or was reported; \
             the last time, {exit}"
        );
        if let TaskState::Open { attempt } = self.tasks[task.index()] {
            let kind = TaskErrorKind::NoWorker { reason };
            self.charge_open(task, attempt, kind, cluster);
        }
    }

    /// Whether the task that a dead worker claims to have been running counts: it was not skipped or done before.
    fn may_run(&self, worker: ProcessorId, task: TaskId) -> bool {
        match self.tasks.get(task.index()) {
            Some(TaskState::Open { .. }) => self.is_at(task, worker),
            Some(TaskState::Done { .. }) => {
                self.workers[worker.index()].recomputing.contains(&task)
            }
            Some(TaskState::Failed(_)) | None => false,
        }
    }

    fn charge(
        &mut self,
        worker: ProcessorId,
        running: Running,
        kind: TaskErrorKind,
        cluster: &mut dyn Cluster,
    ) {
        let Running { task, attempt, .. } = running;
        self.workers[worker.index()].idle_deaths = 0;
        self.renew_attempts_before(worker, task);
        match self.tasks[task.index()] {
            TaskState::Open { .. } => self.charge_open(task, attempt, kind, cluster),
            TaskState::Done { .. } if self.is_retried(task, attempt, &kind) => {
                self.set_failures(task, attempt);
            }
            TaskState::Done { .. } => {
                self.fail_recomputation(worker, task, (attempt, kind), cluster);
            }
            TaskState::Failed(_) => {}
        }
    }

    /// Gives a new set of attempts to the tasks that a worker completed before the task that it was running. Their
    /// reports were lost with the worker, so they count as lost results, which have all their attempts again.
    /// Otherwise, the crashes of a task would add up although it succeeded in between.
    fn renew_attempts_before(&mut self, worker: ProcessorId, running: TaskId) {
        let home = self.plan.homes[running.index()];
        let recomputing = self.workers[worker.index()].recomputing.iter();
        let ended: Vec<_> = recomputing
            .copied()
            .take_while(|&task| task != running)
            .collect();
        for task in ended {
            self.set_failures(task, 0);
        }
        if home.worker == worker && self.is_open(running) {
            let steps = self.plan.steps_of(worker).iter();
            let first = self.workers[worker.index()].position;
            for step in steps.take(home.position as usize).skip(first) {
                if self.is_open(step.task) {
                    self.tasks[step.task.index()] = TaskState::Open { attempt: 1 };
                }
            }
        }
    }

    fn charge_open(
        &mut self,
        task: TaskId,
        attempt: u32,
        kind: TaskErrorKind,
        cluster: &mut dyn Cluster,
    ) {
        if self.is_retried(task, attempt, &kind) {
            let attempt = attempt + 1;
            self.tasks[task.index()] = TaskState::Open { attempt };
        } else {
            self.fail(task, attempt, kind, cluster);
        }
    }

    /// Whether another attempt follows an attempt that failed with this error.
    fn is_retried(&self, task: TaskId, attempt: u32, kind: &TaskErrorKind) -> bool {
        let attempts = self.definition.instance(task).limits.attempts();
        attempt < attempts && self.plan.retry.applies_to(kind)
    }
}
