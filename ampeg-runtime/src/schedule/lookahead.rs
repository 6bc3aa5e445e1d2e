//! Placing a task where its successors can follow soonest.

use super::placer::{Placement, Placer};
use super::problem::Problem;
use crate::graph::Dependency;
use crate::id::TaskId;

/// What counts of a successor when places are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// When it could finish itself.
    Finish,
    /// When all that follows it could finish, by its rank.
    Rank,
}

/// Places tasks in this order, each where its latest successor could finish earliest.
///
/// Compared are the processors of predecessors, those where successors have their latest input so far, and the one where the task itself finishes earliest.
/// That a successor finds a free processor elsewhere is taken for granted.
/// Takes O(d²) time per task for d dependencies, and O(p) for p processors, the search for gaps aside.
pub(super) fn place_all(
    problem: &Problem<'_>,
    order: &[TaskId],
    ranks: &[f64],
    outlook: Outlook,
) -> Vec<Placement> {
    let mut lookahead = Lookahead {
        placer: Placer::new(problem, problem.n_processors()),
        inputs: vec![Inputs::default(); problem.n_tasks()],
        rests: match outlook {
            Outlook::Finish => problem
                .graph
                .task_ids()
                .map(|task| problem.mean_duration(task))
                .collect(),
            Outlook::Rank => ranks.to_vec(),
        },
        candidates: Vec::new(),
    };
    for &task in order {
        let processor = lookahead.best_processor(task);
        lookahead.place(task, processor);
    }
    lookahead.placer.placements
}

struct Lookahead<'p, 'a> {
    placer: Placer<'p, 'a>,
    inputs: Vec<Inputs>,
    /// What follows the start of each task.
    rests: Vec<f64>,
    candidates: Vec<usize>,
}

/// The inputs of a task that have been placed so far.
#[derive(Debug, Clone, Copy, Default)]
struct Inputs {
    /// When the last one arrives on other processors.
    latest: f64,
    /// The processor it comes from.
    sender: Option<usize>,
    /// When it is there itself.
    at_sender: f64,
    /// When the last one from any other processor arrives.
    others: f64,
}

impl Inputs {
    fn add(&mut self, from: &Placement, cost: f64) {
        let arrival = from.finish + cost;
        if self.sender == Some(from.processor) {
            self.latest = self.latest.max(arrival);
            self.at_sender = self.at_sender.max(from.finish);
        } else if self.sender.is_none() || arrival > self.latest {
            self.others = self.latest;
            self.latest = arrival;
            self.sender = Some(from.processor);
            self.at_sender = from.finish;
        } else {
            self.others = self.others.max(arrival);
        }
    }

    fn ready_at(&self, processor: usize) -> f64 {
        if self.sender == Some(processor) {
            self.at_sender.max(self.others)
        } else {
            self.latest
        }
    }

    /// When all are on the processor where they are together first.
    fn ready_anywhere(&self) -> f64 {
        self.at_sender.max(self.others)
    }
}

impl Lookahead<'_, '_> {
    fn best_processor(&mut self, task: TaskId) -> usize {
        let problem = self.placer.problem;
        let successors = problem.successors(task);
        let (processor, start) = self.placer.earliest(task);
        if successors.is_empty() {
            return processor;
        }
        let finish = start + problem.duration(task, processor);
        let mut best = (self.score(finish, processor, successors), finish, processor);
        self.collect_candidates(task, processor);
        for index in 0..self.candidates.len() {
            let processor = self.candidates[index];
            let start = self.placer.earliest_start(task, processor);
            let finish = start + problem.duration(task, processor);
            let candidate = (self.score(finish, processor, successors), finish, processor);
            if candidate < best {
                best = candidate;
            }
        }
        best.2
    }

    /// Where `task` might go besides `first`.
    fn collect_candidates(&mut self, task: TaskId, first: usize) {
        let problem = self.placer.problem;
        self.candidates.clear();
        let mut add = |processor: usize| {
            if processor != first && !self.candidates.contains(&processor) {
                self.candidates.push(processor);
            }
        };
        for predecessor in problem.predecessors(task) {
            add(self.placer.placements[predecessor.task.index()].processor);
        }
        for successor in problem.successors(task) {
            self.inputs[successor.task.index()].sender.map(&mut add);
        }
    }

    /// When the last of `successors` could be done if their common predecessor finished then and there.
    fn score(&self, finish: f64, processor: usize, successors: &[Dependency]) -> f64 {
        let free = self.placer.free_from(processor).max(finish);
        let mut score = finish;
        for successor in successors {
            let index = successor.task.index();
            let inputs = &self.inputs[index];
            let here = free.max(inputs.ready_at(processor));
            let elsewhere = (finish + successor.cost.value()).max(inputs.ready_anywhere());
            score = score.max(here.min(elsewhere) + self.rests[index]);
        }
        score
    }

    fn place(&mut self, task: TaskId, processor: usize) {
        self.placer.place_on(task, processor);
        let placement = self.placer.placements[task.index()];
        for successor in self.placer.problem.successors(task) {
            self.inputs[successor.task.index()].add(&placement, successor.cost.value());
        }
    }
}
