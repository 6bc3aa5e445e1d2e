//! The work that a worker still has to do in a run, in order: the steps of its plan, and lost results before the
//! steps that need them.

use crate::plan::Step;
use crate::run::message::{OpenStep, Recomputation};
use ampeg_schedule::TaskId;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The open steps of one run. Taking, skipping or inserting a step takes at most logarithmic time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    planned: Rc<[Step]>,
    /// By position: whether the step must not be run any more.
    closed: Vec<bool>,
    /// The number of steps that are not closed.
    n_open: usize,
    /// All steps before this position are closed.
    position: usize,
    /// By position: the number of the next attempt, if it is not 1.
    attempts: BTreeMap<usize, u32>,
    /// Results to compute again. The first number of a key is the position of the planned step right after the result,
    /// and the second number keeps the order of insertion.
    recomputations: BTreeMap<(u32, u64), Recomputation>,
    n_inserted: u64,
}

/// A step in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Planned(usize),
    Recomputation((u32, u64)),
}

impl Queue {
    /// All steps of a plan, or only the open ones.
    pub(super) fn new(planned: Rc<[Step]>, open: Option<&[OpenStep]>) -> Self {
        let mut queue = Self {
            closed: vec![open.is_some(); planned.len()],
            n_open: planned.len(),
            planned,
            ..Self::default()
        };
        if let Some(open) = open {
            queue.n_open = 0;
            for step in open {
                let position = step.position as usize;
                if let Some(closed) = queue.closed.get_mut(position) {
                    *closed = false;
                    queue.n_open += 1;
                    if step.attempt > 1 {
                        queue.attempts.insert(position, step.attempt);
                    }
                }
            }
        }
        queue
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_open == 0 && self.recomputations.is_empty()
    }

    /// The planned steps that are open.
    pub(super) fn open_steps(&self) -> impl Iterator<Item = &Step> {
        let steps = self.planned.iter().zip(&self.closed);
        steps.filter(|(_, closed)| !**closed).map(|(step, _)| step)
    }

    #[cfg(test)]
    pub(super) fn recomputed(&self) -> impl Iterator<Item = TaskId> {
        self.recomputations.values().map(|it| it.step.task)
    }

    /// Inserts results to compute again, in topological order.
    pub(super) fn insert(&mut self, recomputations: Vec<Recomputation>) {
        for recomputation in recomputations {
            self.n_inserted += 1;
            let key = (recomputation.before, self.n_inserted);
            self.recomputations.insert(key, recomputation);
        }
    }

    /// The next step.
    pub(super) fn next(&mut self) -> Option<Next> {
        while self.closed.get(self.position) == Some(&true) {
            self.position += 1;
        }
        let first = self.recomputations.first_key_value();
        let first = first.map(|(&key, _)| key);
        let is_due = |&(before, _): &(u32, u64)| {
            before as usize <= self.position || self.position == self.planned.len()
        };
        match first.filter(is_due) {
            Some(key) => Some(Next::Recomputation(key)),
            None => (self.position < self.planned.len()).then_some(Next::Planned(self.position)),
        }
    }

    /// A step that [`next`](Self::next) returned, and the number of its next attempt.
    pub(super) fn get(&self, next: Next) -> (&Step, u32) {
        match next {
            Next::Planned(position) => {
                let attempt = self.attempts.get(&position).copied().unwrap_or(1);
                (&self.planned[position], attempt)
            }
            Next::Recomputation(key) => {
                let recomputation = &self.recomputations[&key];
                (&recomputation.step, recomputation.attempt)
            }
        }
    }

    /// Records that another attempt at a step follows.
    pub(super) fn retry(&mut self, next: Next) {
        match next {
            Next::Planned(position) => *self.attempts.entry(position).or_insert(1) += 1,
            Next::Recomputation(key) => {
                if let Some(recomputation) = self.recomputations.get_mut(&key) {
                    recomputation.attempt += 1;
                }
            }
        }
    }

    /// Removes a step that is done.
    pub(super) fn close(&mut self, next: Next) {
        match next {
            Next::Planned(position) => {
                self.close_planned(position);
            }
            Next::Recomputation(key) => {
                self.recomputations.remove(&key);
            }
        }
    }

    /// Closes steps that must not be run. Calls `dropped` with each step that was open.
    pub(super) fn skip(
        &mut self,
        positions: &[u32],
        recomputations: &[TaskId],
        mut dropped: impl FnMut(&Step),
    ) {
        for &position in positions {
            if self.close_planned(position as usize) {
                dropped(&self.planned[position as usize]);
            }
        }
        if recomputations.is_empty() {
            return;
        }
        self.recomputations.retain(|_, recomputation| {
            let stays = !recomputations.contains(&recomputation.step.task);
            if !stays {
                dropped(&recomputation.step);
            }
            stays
        });
    }

    /// Closes a planned step. Returns true if it was open.
    fn close_planned(&mut self, position: usize) -> bool {
        let was_open = self.closed.get(position) == Some(&false);
        if was_open {
            self.closed[position] = true;
            self.n_open -= 1;
        }
        was_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Action, Node, graph};

    /// The steps of a chain of tasks.
    fn chain(n_tasks: usize) -> Rc<[Step]> {
        let node = |task: usize| Node {
            parents: task.checked_sub(1).into_iter().collect(),
            size: 0,
            action: Action::Compute,
            output: false,
        };
        let nodes: Vec<_> = (0..n_tasks).map(node).collect();
        let graph = graph(&nodes, |_| (1.0, 1.0));
        let definition = graph.definition().unwrap();
        let tasks = definition.task_graph.task_ids();
        tasks.map(|task| Step::new(definition, task)).collect()
    }

    /// Runs all remaining steps. Returns the tasks with their attempts.
    fn drain(queue: &mut Queue) -> Vec<(usize, u32)> {
        let mut order = Vec::new();
        while let Some(next) = queue.next() {
            let (step, attempt) = queue.get(next);
            order.push((step.task.index(), attempt));
            queue.close(next);
        }
        assert!(queue.is_empty());
        order
    }

    fn recomputation(steps: &[Step], task: usize, before: u32) -> Recomputation {
        Recomputation {
            step: steps[task].clone(),
            attempt: 1,
            before,
        }
    }

    #[test]
    fn open_steps_are_run_in_the_order_of_the_plan() {
        let steps = chain(4);
        let mut queue = Queue::new(Rc::clone(&steps), None);
        let first = queue.next().unwrap();
        queue.retry(first);
        assert_eq!(drain(&mut queue), [(0, 2), (1, 1), (2, 1), (3, 1)]);
        let open = [(1, 3), (3, 1)].map(|(position, attempt)| OpenStep { position, attempt });
        let mut queue = Queue::new(steps, Some(&open));
        assert_eq!(queue.open_steps().count(), 2);
        assert_eq!(drain(&mut queue), [(1, 3), (3, 1)]);
    }

    #[test]
    fn lost_results_come_right_before_the_step_that_needs_them() {
        let steps = chain(6);
        let open = [3, 5].map(|position| OpenStep {
            position,
            attempt: 1,
        });
        let mut queue = Queue::new(Rc::clone(&steps), Some(&open));
        let later = vec![recomputation(&steps, 1, 5), recomputation(&steps, 4, 5)];
        queue.insert(later);
        queue.insert(vec![
            recomputation(&steps, 0, 3),
            recomputation(&steps, 2, 3),
        ]);
        let order = [0, 2, 3, 1, 4, 5].map(|task| (task, 1));
        assert_eq!(drain(&mut queue), order);
        // A recomputation is run even if no step on this worker needs its result any more.
        queue.insert(vec![recomputation(&steps, 0, 2)]);
        assert_eq!(drain(&mut queue), [(0, 1)]);
    }

    #[test]
    fn skipped_steps_are_dropped_once() {
        let steps = chain(4);
        let mut queue = Queue::new(Rc::clone(&steps), None);
        queue.insert(vec![recomputation(&steps, 0, 3)]);
        let mut dropped = Vec::new();
        for _ in 0..2 {
            queue.skip(&[2, 3, 99], &[TaskId::new(0)], |step| {
                dropped.push(step.task.index());
            });
        }
        assert_eq!(dropped, [2, 3, 0]);
        assert_eq!(drain(&mut queue), [(0, 1), (1, 1)]);
    }
}
