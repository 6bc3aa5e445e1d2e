//! A schedule that can be changed slightly and timed again fast.

use super::edges::{Edges, number};
use crate::base::id::TaskId;
use crate::schedule::placer::Placement;
use crate::schedule::problem::Problem;
use crate::task_graph::Dependency;

/// Stands for no task, before the first and after the last task of a processor.
const NONE: u32 = u32::MAX;

/// All tasks in one topological order, and the processor of each.
///
/// Each task starts as early as its inputs and the previous task on its processor allow. A change marks the tasks
/// that it affects directly. [`settle`](Self::settle) computes the times of marked tasks and of all tasks that depend
/// on a changed time, and of no others.
#[derive(Debug, Clone)]
pub(super) struct State<'p, 'a> {
    pub(super) problem: &'p Problem<'a>,
    order: Vec<u32>,
    position: Vec<u32>,
    processor: Vec<u32>,
    previous: Vec<u32>,
    next: Vec<u32>,
    /// By processor: its last task.
    last: Vec<u32>,
    finish: Vec<f64>,
    is_equally_connected: bool,
    inputs: Edges,
    outputs: Edges,
    /// By task: the least time that must pass after its end.
    tails: Vec<f64>,
    /// By position: one bit for each task that must be timed again.
    marks: Vec<u64>,
    first_mark: usize,
    /// The finish times before the changes since the last commit.
    undo: Vec<(u32, f64)>,
}

impl<'p, 'a> State<'p, 'a> {
    /// The state with the processors and the order of these placements.
    pub(super) fn new(problem: &'p Problem<'a>, placements: &[Placement]) -> Self {
        let n_tasks = problem.n_tasks();
        let mut order: Vec<u32> = problem
            .topological_order()
            .iter()
            .map(|task| number(task.index()))
            .collect();
        // The sort is stable, so tasks without duration that start together stay in topological order.
        order.sort_by(|&a, &b| {
            let [a, b] = [a, b].map(|task| &placements[task as usize]);
            let by_start = a.start.total_cmp(&b.start);
            by_start.then(a.finish.total_cmp(&b.finish))
        });
        let mut state = Self {
            problem,
            position: vec![0; n_tasks],
            processor: placements.iter().map(|p| number(p.processor)).collect(),
            previous: vec![NONE; n_tasks],
            next: vec![NONE; n_tasks],
            last: vec![NONE; problem.n_processors()],
            finish: vec![0.0; n_tasks],
            tails: tails(problem),
            is_equally_connected: problem.is_equally_connected(),
            inputs: Edges::new(problem, |task| problem.predecessors(task)),
            outputs: Edges::new(problem, |task| problem.successors(task)),
            marks: vec![0; n_tasks.div_ceil(64)],
            first_mark: 0,
            undo: Vec::new(),
            order,
        };
        for index in 0..n_tasks {
            let task = state.order[index];
            state.position[task as usize] = number(index);
            let last = &mut state.last[state.processor[task as usize] as usize];
            state.previous[task as usize] = *last;
            if *last != NONE {
                state.next[*last as usize] = task;
            }
            *last = task;
            state.mark(task);
        }
        let is_settled = state.settle(f64::INFINITY);
        debug_assert!(is_settled);
        state.commit();
        state
    }

    pub(super) fn n_tasks(&self) -> usize {
        self.order.len()
    }

    pub(super) fn processor(&self, task: usize) -> usize {
        self.processor[task] as usize
    }

    pub(super) fn position(&self, task: usize) -> usize {
        self.position[task] as usize
    }

    pub(super) fn makespan(&self) -> f64 {
        let lasts = self.last.iter().filter(|&&task| task != NONE);
        lasts
            .map(|&task| self.finish[task as usize])
            .fold(0.0, f64::max)
    }

    /// The first and the last position to which `task` may move.
    pub(super) fn window(&self, task: usize) -> (usize, usize) {
        let id = TaskId::new(task);
        let positions = |dependency: &Dependency| self.position(dependency.task.index());
        let before = self.problem.predecessors(id).iter().map(positions).max();
        let after = self.problem.successors(id).iter().map(positions).min();
        (
            before.map_or(0, |position| position + 1),
            after.map_or(self.n_tasks(), |position| position) - 1,
        )
    }

    /// Moves `task` to another position within its window, and to a processor.
    pub(super) fn relocate(&mut self, task: usize, to: usize, processor: usize) {
        let follower = self.unlink(task);
        let from = self.position(task);
        if from < to {
            self.order[from..=to].rotate_left(1);
        } else {
            self.order[to..=from].rotate_right(1);
        }
        for position in from.min(to)..=from.max(to) {
            self.position[self.order[position] as usize] = number(position);
        }
        // Marks are by position, and the position of the follower is only final now.
        if follower != NONE {
            self.mark(follower);
        }
        self.link(task, processor);
    }

    /// Removes `task` from its processor, and returns the task that followed it.
    fn unlink(&mut self, task: usize) -> u32 {
        let (previous, next) = (self.previous[task], self.next[task]);
        if previous != NONE {
            self.next[previous as usize] = next;
        }
        if next == NONE {
            self.last[self.processor[task] as usize] = previous;
        } else {
            self.previous[next as usize] = previous;
        }
        next
    }

    fn link(&mut self, task: usize, processor: usize) {
        let this = number(task);
        let (previous, next) = self.neighbours_at(self.position(task), processor);
        if previous != NONE {
            self.next[previous as usize] = this;
        }
        self.previous[task] = previous;
        self.next[task] = next;
        if next == NONE {
            self.last[processor] = this;
        } else {
            self.previous[next as usize] = this;
            self.mark(next);
        }
        if self.processor[task] as usize != processor {
            self.processor[task] = number(processor);
            for successor in self.problem.successors(TaskId::new(task)) {
                self.mark(number(successor.task.index()));
            }
        }
        self.mark(this);
    }

    /// The tasks on `processor` directly before and after this position, or [`NONE`].
    fn neighbours_at(&self, position: usize, processor: usize) -> (u32, u32) {
        let is_here = |task: &&u32| self.processor[**task as usize] as usize == processor;
        let before = self.order[..position].iter().rev().find(is_here);
        if let Some(&previous) = before {
            return (previous, self.next[previous as usize]);
        }
        let after = self.order[position + 1..].iter().find(is_here);
        (NONE, after.copied().unwrap_or(NONE))
    }

    fn mark(&mut self, task: u32) {
        let position = self.position[task as usize] as usize;
        self.marks[position / 64] |= 1 << (position % 64);
        self.first_mark = self.first_mark.min(position / 64);
    }

    /// Computes the times of all tasks that changes have affected. Returns false as soon as the makespan is certain
    /// to exceed `limit`.
    ///
    /// Marks are visited by position, so each task is timed at most once, after everything that it depends on.
    /// The finish of a task plus its tail is a lower bound on the makespan, which often ends this early.
    ///
    /// If this returns false, the times are incomplete. They are those of the last commit again after the change is
    /// undone and [`roll_back`](Self::roll_back) is called.
    pub(super) fn settle(&mut self, limit: f64) -> bool {
        let mut word = self.first_mark;
        self.first_mark = usize::MAX;
        while word < self.marks.len() {
            let bits = self.marks[word];
            if bits == 0 {
                word += 1;
                continue;
            }
            let bit = bits.trailing_zeros() as usize;
            self.marks[word] = bits & (bits - 1);
            let task = self.order[word * 64 + bit] as usize;
            let finish = self.start(task) + self.duration(task);
            if finish == self.finish[task] {
                continue;
            }
            self.undo.push((number(task), self.finish[task]));
            self.finish[task] = finish;
            if finish + self.tails[task] > limit {
                self.marks[word..].fill(0);
                return false;
            }
            if self.next[task] != NONE {
                self.mark(self.next[task]);
            }
            for index in self.outputs.range(task) {
                self.mark(self.outputs.items[index].0);
            }
        }
        self.first_mark = usize::MAX;
        true
    }

    /// Accepts the current times.
    pub(super) fn commit(&mut self) {
        self.undo.clear();
    }

    /// Restores all times of the last commit, and removes all marks.
    pub(super) fn roll_back(&mut self) {
        for (task, finish) in self.undo.drain(..).rev() {
            self.finish[task as usize] = finish;
        }
        if self.first_mark != usize::MAX {
            self.marks[self.first_mark..].fill(0);
            self.first_mark = usize::MAX;
        }
    }

    fn duration(&self, task: usize) -> f64 {
        self.problem
            .duration(TaskId::new(task), self.processor(task))
    }

    fn start(&self, task: usize) -> f64 {
        let here = self.processor[task];
        let mut start = match self.previous[task] {
            NONE => 0.0,
            previous => self.finish[previous as usize],
        };
        for &(from, cost) in self.inputs.of(task) {
            let sender = self.processor[from as usize];
            let mut arrival = self.finish[from as usize];
            if sender != here {
                arrival += self.transfer(cost, sender, here);
            }
            start = start.max(arrival);
        }
        start
    }

    fn transfer(&self, cost: f64, sender: u32, receiver: u32) -> f64 {
        if self.is_equally_connected {
            cost
        } else {
            self.problem
                .transfer(cost, sender as usize, receiver as usize)
        }
    }

    /// The tasks that follow each other without a pause until the last finish, in reverse order.
    pub(super) fn critical_path(&self, path: &mut Vec<u32>) {
        path.clear();
        let lasts = self.last.iter().copied().filter(|&task| task != NONE);
        let Some(mut task) =
            lasts.max_by(|&a, &b| self.finish[a as usize].total_cmp(&self.finish[b as usize]))
        else {
            return;
        };
        loop {
            path.push(task);
            let here = task as usize;
            let start = self.start(here);
            if start <= 0.0 {
                return;
            }
            let previous = self.previous[here];
            if previous != NONE && self.finish[previous as usize] >= start {
                task = previous;
                continue;
            }
            let predecessors = self.problem.predecessors(TaskId::new(here)).iter();
            let latest =
                predecessors.max_by(|a, b| self.arrival(a, here).total_cmp(&self.arrival(b, here)));
            task = number(latest.expect("something is waited for").task.index());
        }
    }

    fn arrival(&self, dependency: &Dependency, to: usize) -> f64 {
        let from = dependency.task.index();
        let cost = dependency.cost.value();
        let transfer = self
            .problem
            .transfer(cost, self.processor(from), self.processor(to));
        self.finish[from] + transfer
    }

    pub(super) fn placements(&self) -> Vec<Placement> {
        (0..self.n_tasks())
            .map(|task| Placement {
                processor: self.processor(task),
                start: self.start(task),
                finish: self.finish[task],
            })
            .collect()
    }
}

/// By task: the longest path of shortest durations after it.
fn tails(problem: &Problem<'_>) -> Vec<f64> {
    let mut tails = vec![0.0; problem.n_tasks()];
    for &task in problem.topological_order().iter().rev() {
        tails[task.index()] = problem
            .successors(task)
            .iter()
            .map(|s| problem.shortest_duration(s.task) + tails[s.task.index()])
            .fold(0.0, f64::max);
    }
    tails
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Processors, fast};
    use crate::task_graph::TaskGraph;
    use crate::task_graph::cost::Cost;

    /// The graph has no tasks without duration, because a new state may put these in a better order.
    fn random_graph(random: &mut fastrand::Rng) -> TaskGraph {
        let mut builder = TaskGraph::builder();
        let mut cost = {
            let mut random = random.fork();
            move || Cost::new(f64::from(random.u32(1..10))).unwrap()
        };
        for index in 0..40 {
            let task = builder.add_task(index, cost());
            for _ in 0..random.usize(..3.min(index + 1)) {
                builder.add_dependency(TaskId::new(random.usize(..index)), task, cost());
            }
        }
        builder.build().unwrap()
    }

    /// After small changes, of which some are undone, the times are those of a new state.
    #[test]
    fn changes_are_timed_as_if_from_scratch() {
        let mut random = fastrand::Rng::with_seed(3);
        let graph = random_graph(&mut random);
        let processors = Processors::with_speeds([1.0, 2.0, 1.0]).unwrap();
        let problem = Problem::new(&graph, &processors).unwrap();
        let mut state = State::new(&problem, &fast::fast(&problem, 0.0));
        for _ in 0..2000 {
            let task = random.usize(..40);
            let before = (state.position(task), state.processor(task));
            let (first, last) = state.window(task);
            state.relocate(task, random.usize(first..=last), random.usize(..3));
            let limit = state.makespan() * 1.2;
            if state.settle(limit) && random.bool() {
                state.commit();
            } else {
                state.relocate(task, before.0, before.1);
                state.roll_back();
            }
            let fresh = State::new(&problem, &state.placements());
            assert_eq!(fresh.finish, state.finish);
            assert_eq!(fresh.makespan(), state.makespan());
        }
    }
}
