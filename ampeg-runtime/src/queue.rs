//! What a worker still has to do, in order; the worker has one, and the coordinator another one of it.
//!
//! The steps of a plan are kept for as long as it may be followed once more; a queue holds no more than their places.

use crate::id::TaskId;
use crate::plan::Step;
use std::collections::VecDeque;
use std::sync::Arc;

/// Steps that are not done.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    planned: Arc<Vec<Step>>,
    /// Steps that are in no plan: further attempts, lost results, what a replaced worker had left.
    added: Vec<Step>,
    /// The places of what is left, in `planned` and from its end on in `added`.
    left: VecDeque<usize>,
}

impl Queue {
    /// All steps of a plan.
    pub(crate) fn of(planned: Arc<Vec<Step>>) -> Self {
        Self {
            left: (0..planned.len()).collect(),
            added: Vec::new(),
            planned,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.left.iter().map(|&place| self.step(place))
    }

    pub(crate) fn front(&self) -> Option<&Step> {
        self.get(0)
    }

    pub(crate) fn get(&self, position: usize) -> Option<&Step> {
        self.left.get(position).map(|&place| self.step(place))
    }

    /// Where the step of a task is.
    pub(crate) fn find(&self, task: TaskId) -> Option<usize> {
        self.iter().position(|step| step.task == task)
    }

    /// Takes a step off; all that follow move up.
    pub(crate) fn remove(&mut self, position: usize) {
        self.left.remove(position);
    }

    /// Leaves only the steps that are to stay.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&Step) -> bool) {
        let mut left = std::mem::take(&mut self.left);
        left.retain(|&place| stays(self.step(place)));
        self.left = left;
    }

    /// Adds a step behind all others.
    pub(crate) fn push(&mut self, step: Step) {
        let place = self.add(step);
        self.left.push_back(place);
    }

    /// Puts steps that compute lost results, in topological order, into the queue: each right before the first step
    /// that needs it, so that it comes behind all that it may need itself.
    pub(crate) fn insert_again(&mut self, steps: Vec<Step>) {
        for step in steps.into_iter().rev() {
            let needs = |other: &Step| other.inputs.contains(&step.task);
            let position = self.iter().position(needs).unwrap_or(self.left.len());
            let place = self.add(step);
            self.left.insert(position, place);
        }
    }

    /// Says which attempt at a step comes next.
    pub(crate) fn set_attempt(&mut self, position: usize, attempt: u32) {
        let place = self.left[position];
        if let Some(added) = place.checked_sub(self.planned.len()) {
            self.added[added].attempt = attempt;
        } else {
            let step = self.planned[place].clone();
            self.left[position] = self.add(Step { attempt, ..step });
        }
    }

    fn add(&mut self, step: Step) -> usize {
        self.added.push(step);
        self.planned.len() + self.added.len() - 1
    }

    fn step(&self, place: usize) -> &Step {
        let planned = self.planned.get(place);
        planned.unwrap_or_else(|| &self.added[place - self.planned.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Action, Node, graph};

    /// A queue of a chain of tasks.
    fn chain(n_tasks: usize) -> Queue {
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
        let steps = tasks.map(|task| Step::new(definition, task)).collect();
        Queue::of(Arc::new(steps))
    }

    fn tasks(queue: &Queue) -> Vec<usize> {
        queue.iter().map(|step| step.task.index()).collect()
    }

    #[test]
    fn steps_of_a_plan_are_there_again_in_the_next_run() {
        let mut queue = chain(3);
        let planned = Arc::clone(&queue.planned);
        queue.set_attempt(0, 2);
        queue.set_attempt(0, 3);
        assert_eq!(queue.front().map(|step| step.attempt), Some(3));
        assert_eq!(queue.added.len(), 1);
        queue.remove(1);
        assert_eq!(tasks(&queue), [0, 2]);
        let next = Queue::of(planned);
        assert_eq!(tasks(&next), [0, 1, 2]);
        assert!(next.iter().all(|step| step.attempt == 1));
    }

    #[test]
    fn lost_results_come_right_before_what_needs_them() {
        let mut queue = chain(4);
        let again: Vec<_> = queue.iter().take(2).cloned().collect();
        queue.retain(|step| step.task.index() >= 2);
        queue.insert_again(again.clone());
        assert_eq!(tasks(&queue), [0, 1, 2, 3]);
        queue.retain(|step| step.task.index() == 3);
        queue.insert_again(again);
        assert_eq!(tasks(&queue), [3, 0, 1]);
        assert_eq!(queue.find(TaskId::new(1)), Some(2));
    }
}
