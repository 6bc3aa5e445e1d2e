//! For simulations: the remaining steps of a worker, and the inputs that it waits for.

use super::Worker;
use super::queue::Next;
use ampeg_schedule::TaskId;

/// The remaining work of a worker that is not running a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) next: Option<Ahead>,
    /// The inputs of the next step that have not arrived.
    pub(crate) missing: Vec<TaskId>,
    /// The results that the worker will compute, for the first time or again.
    pub(crate) open: Vec<TaskId>,
}

/// The next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ahead {
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    /// Whether the attempt computes a lost result again.
    pub(crate) is_again: bool,
}

impl Worker {
    pub(crate) fn outlook(&mut self) -> Outlook {
        let Some(run) = &mut self.run else {
            return Outlook::default();
        };
        let open = run.queue.open_steps().map(|step| step.task);
        let open = open.chain(run.queue.recomputed()).collect();
        let Some(next) = run.queue.next() else {
            return Outlook {
                open,
                ..Outlook::default()
            };
        };
        let (step, attempt) = run.queue.get(next);
        let missing = step.inputs.iter().copied();
        let executor = &mut run.executor;
        Outlook {
            next: Some(Ahead {
                task: step.task,
                attempt,
                is_again: matches!(next, Next::Recomputation(_)),
            }),
            missing: missing.filter(|&input| !executor.holds(input)).collect(),
            open,
        }
    }
}
