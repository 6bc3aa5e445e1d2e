//! The state of a run at one time, for displays.

use super::estimate::{self, Left};
use super::model::{Activity, Model, State};

/// The state of a run at one time.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The time.
    pub(super) elapsed: f64,
    /// Tasks that have ended, failed, or will not run because of a failure.
    pub(super) n_done: usize,
    /// Tasks that have a result.
    pub(super) n_ended: usize,
    pub(super) n_tasks: usize,
    /// The share of the planned costs that is done, from 0 to 1.
    pub(super) share: f64,
    /// `None` before any task has ended, and when all have ended.
    pub(super) left: Option<Left>,
    /// Statements with several tasks, in the order of the graph.
    pub(super) families: Vec<Family>,
    pub(super) workers: Vec<Activity>,
    pub(super) n_retries: usize,
    pub(super) n_failed: usize,
    pub(super) n_deaths: usize,
}

/// The tasks of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) n_done: usize,
    pub(super) n_running: usize,
    pub(super) n_tasks: usize,
}

impl Model {
    pub(super) fn snapshot(&self, now: f64) -> Snapshot {
        let is_lost = self.lost();
        let mut families: Vec<_> = self.families.iter().map(|it| Family::new(it)).collect();
        let (mut done, mut planned) = (0.0, 0.0);
        let (mut n_done, mut n_ended, mut n_failed) = (0, 0, 0);
        for (task, &is_lost) in self.tasks.iter().zip(&is_lost) {
            let has_ended = matches!(task.state, State::Ended { .. });
            let is_done = is_lost || has_ended;
            let is_running = matches!(task.state, State::Running { .. });
            let family = &mut families[task.family];
            family.n_tasks += 1;
            family.n_done += usize::from(is_done);
            family.n_running += usize::from(is_running);
            n_done += usize::from(is_done);
            n_ended += usize::from(has_ended);
            n_failed += usize::from(task.state == State::Failed);
            planned += task.planned;
            done += if is_done { task.planned } else { 0.0 };
        }
        families.retain(|family| family.n_tasks > 1);
        let is_over = n_done == self.tasks.len();
        Snapshot {
            elapsed: now,
            n_done,
            n_ended,
            n_tasks: self.tasks.len(),
            share: if is_over {
                1.0
            } else if planned > 0.0 {
                done / planned
            } else {
                0.0
            },
            left: if is_over {
                None
            } else {
                estimate::left(self, &is_lost, now)
            },
            families,
            workers: self.workers.clone(),
            n_retries: self.n_retries,
            n_failed,
            n_deaths: self.n_deaths,
        }
    }

    /// By task: whether it has failed or depends on one that has.
    fn lost(&self) -> Vec<bool> {
        let mut is_lost = vec![false; self.tasks.len()];
        for &index in self.order.iter() {
            let task = &self.tasks[index];
            let mut inputs = self.inputs[task.inputs.clone()].iter();
            // A task that has ended had its inputs, even if a worker has lost them since.
            is_lost[index] = match task.state {
                State::Failed => true,
                State::Ended { .. } | State::Running { .. } => false,
                State::Open => inputs.any(|input| is_lost[input.task]),
            };
        }
        is_lost
    }
}

impl Family {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            n_done: 0,
            n_running: 0,
            n_tasks: 0,
        }
    }
}
