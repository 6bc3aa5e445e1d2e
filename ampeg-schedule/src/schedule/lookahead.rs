//! Places a task where its successors can follow soonest.

use super::arrivals::{Arrivals, earlier, later};
use super::placer::{Placement, Placer, Ready};
use super::problem::Problem;
use super::timelines::Position;
use crate::base::id::TaskId;
use crate::task_graph::Dependency;

/// Places tasks in this order, each where all following tasks could finish earliest, according to the ranks of its
/// successors.
///
/// This compares the processor where the task finishes earliest, the one that sends its last input, and those that
/// send the last inputs of its successors so far. It assumes that a successor finds a free processor elsewhere. Takes
/// O(d²) time per task for d dependencies, and O(p) for p processors, except for the search for gaps.
pub(super) fn place_all(problem: &Problem<'_>, order: &[TaskId], ranks: &[f64]) -> Vec<Placement> {
    let mut lookahead = Lookahead {
        placer: Placer::new(problem),
        inputs: vec![Arrivals::NONE; problem.n_tasks()],
        ranks,
        candidates: Vec::new(),
    };
    for &task in order {
        let (processor, start) = lookahead.best_place(task);
        lookahead.place(task, processor, start);
    }
    lookahead.placer.placements
}

struct Lookahead<'p, 'a, 'r> {
    placer: Placer<'p, 'a>,
    inputs: Vec<Arrivals>,
    ranks: &'r [f64],
    candidates: Vec<usize>,
}

/// A position for a task, and the time at which all following tasks could be done.
#[derive(Debug, Clone, Copy)]
struct Choice {
    score: f64,
    finish: f64,
    processor: usize,
    start: f64,
}

impl Choice {
    fn is_better_than(&self, other: &Self) -> bool {
        let key = |choice: &Self| (choice.score, choice.finish, choice.processor);
        key(self) < key(other)
    }
}

impl Lookahead<'_, '_, '_> {
    /// The best processor for `task`, and its start there.
    fn best_place(&mut self, task: TaskId) -> (usize, f64) {
        let successors = self.placer.problem.successors(task);
        let ready = self.placer.ready(task);
        let Position {
            processor, start, ..
        } = self.placer.earliest(task, ready);
        if successors.is_empty() {
            return (processor, start);
        }
        let ranks = successors.iter().map(|s| self.ranks[s.task.index()]);
        let rest = ranks.fold(0.0, later);
        let mut best = self.choice(task, processor, start);
        best.score = self.score(&best, successors, f64::INFINITY);
        self.collect_candidates(successors, processor, ready);
        for &processor in &self.candidates {
            let start = self.placer.earliest_start(task, processor, ready);
            let mut choice = self.choice(task, processor, start);
            if choice.finish + rest <= best.score {
                choice.score = self.score(&choice, successors, best.score);
                if choice.is_better_than(&best) {
                    best = choice;
                }
            }
        }
        (best.processor, best.start)
    }

    fn choice(&self, task: TaskId, processor: usize, start: f64) -> Choice {
        Choice {
            score: f64::INFINITY,
            finish: start + self.placer.problem.duration(task, processor),
            processor,
            start,
        }
    }

    /// Collects the processors to compare with `first`.
    fn collect_candidates(&mut self, successors: &[Dependency], first: usize, ready: Ready) {
        self.candidates.clear();
        let mut add = |processor: usize| {
            if processor != first && !self.candidates.contains(&processor) {
                self.candidates.push(processor);
            }
        };
        if let Ready::Equal(arrivals) = ready {
            arrivals.sender().map(&mut add);
        }
        for successor in successors {
            self.inputs[successor.task.index()].sender().map(&mut add);
        }
    }

    /// The time at which all following tasks could be done with this choice; infinity if it is after `limit`.
    fn score(&self, choice: &Choice, successors: &[Dependency], limit: f64) -> f64 {
        let free = later(self.placer.free_from(choice.processor), choice.finish);
        let scale = self.placer.problem.mean_communication;
        let mut score = choice.finish;
        for successor in successors {
            let index = successor.task.index();
            let inputs = &self.inputs[index];
            let here = later(free, inputs.ready_on(choice.processor));
            let arrival = choice.finish + successor.cost.value() * scale;
            let elsewhere = later(arrival, inputs.ready_on_sender());
            score = later(score, earlier(here, elsewhere) + self.ranks[index]);
            if score > limit {
                return f64::INFINITY;
            }
        }
        score
    }

    fn place(&mut self, task: TaskId, processor: usize, start: f64) {
        self.placer.place(task, processor, start);
        let placement = self.placer.placements[task.index()];
        let scale = self.placer.problem.mean_communication;
        for successor in self.placer.problem.successors(task) {
            let inputs = &mut self.inputs[successor.task.index()];
            let cost = successor.cost.value() * scale;
            inputs.add(placement.processor, placement.finish, cost);
        }
    }
}
