//! Simulated annealing on the order of tasks and their processors.

use super::clock::Clock;
use super::state::State;
use crate::base::id::TaskId;
use crate::schedule::fast::Best;
use crate::schedule::problem::Problem;
use crate::task_graph::Dependency;
use crate::task_graph::cost::count;

// The constants below are the best of those that were tried on graphs of 10 to 700 tasks, with little and with much
// communication.

/// At the start of a cycle, a makespan that is larger by this share is accepted about one time in three.
const FIRST_TEMPERATURE: f64 = 0.08;

/// With `n` tasks, more than this number, the first temperature is multiplied by `(MANY / n)⁴`. Usual budgets are too
/// small to cool many tasks from a high temperature.
const MANY: f64 = 200.0;

/// The same share at the end of a cycle. For few tasks, the share is `LAST_TEMPERATURE_OF_FEW` divided by their number,
/// because each task has more influence.
const LAST_TEMPERATURE: f64 = 0.0005;
const LAST_TEMPERATURE_OF_FEW: f64 = 0.1;

/// The number of cycles in which the temperature falls. Each starts with the best schedule so far.
const N_CYCLES: f64 = 3.0;

/// The probability that a task is chosen from the critical path instead of from all tasks.
const CRITICAL: f64 = 0.6;

/// The probability that a task moves to the processor of a neighbor in the graph instead of to any processor.
const FOLLOW: f64 = 0.3;

/// The probability that a task takes neighbors along to its new processor, and their largest number.
///
/// If communication is expensive, moving one task alone makes two transfers necessary. Only moving a group is an
/// improvement.
const TAKE_ALONG: f64 = 0.5;
const MAX_COMPANIONS: usize = 8;

/// The probability that a task stays near its position in the order.
const NEAR: f64 = 0.6;

/// Improves `best` until the budget is spent, or a lower bound is reached.
pub(super) fn anneal(problem: &Problem<'_>, mut clock: Clock, seed: u64, best: &mut Best) {
    let mut annealer = Annealer::new(problem, best, fastrand::Rng::with_seed(seed));
    let few = LAST_TEMPERATURE_OF_FEW / count(problem.n_tasks());
    let many = (MANY / count(problem.n_tasks())).min(1.0).powi(4);
    let first = FIRST_TEMPERATURE * many;
    let last = LAST_TEMPERATURE.max(few).min(first / 10.0);
    let mut cycle = 0.0;
    while let Some(spent) = clock.tick() {
        let progress = spent * N_CYCLES;
        if progress.floor() > cycle {
            cycle = progress.floor();
            annealer = Annealer::new(problem, best, annealer.random);
        }
        let share = first * (last / first).powf(progress.fract());
        if annealer.step(share * best.makespan) && annealer.makespan < best.makespan {
            best.offer(annealer.state.placements());
            if best.is_optimal() {
                return;
            }
        }
    }
}

struct Annealer<'p, 'a> {
    state: State<'p, 'a>,
    random: fastrand::Rng,
    makespan: f64,
    path: Vec<u32>,
    path_is_current: bool,
    /// The tasks that the current step has moved, with their previous positions and processors.
    moved: Vec<(usize, usize, usize)>,
}

impl<'p, 'a> Annealer<'p, 'a> {
    fn new(problem: &'p Problem<'a>, best: &Best, random: fastrand::Rng) -> Self {
        let state = State::new(problem, &best.placements);
        Self {
            makespan: state.makespan(),
            state,
            random,
            path: Vec::new(),
            path_is_current: false,
            moved: Vec::new(),
        }
    }

    /// Tries one change. Returns whether it was accepted.
    fn step(&mut self, temperature: f64) -> bool {
        let task = self.choose_task();
        let processor = self.choose_processor(task);
        let place = self.choose_place(task);
        let before = self.state.processor(task);
        if processor == before && place == self.state.position(task) {
            return false;
        }
        self.moved.clear();
        self.relocate(task, place, processor);
        if processor != before && self.random.f64() < TAKE_ALONG {
            self.take_along(task, before);
        }
        // The Metropolis criterion, with the random number drawn first: `settle` can then stop at this limit.
        let limit = self.makespan - temperature * (1.0 - self.random.f64()).ln();
        if self.state.settle(limit) {
            let makespan = self.state.makespan();
            if makespan <= limit {
                self.makespan = makespan;
                self.state.commit();
                self.path_is_current = false;
                return true;
            }
        }
        self.take_back();
        false
    }

    fn choose_task(&mut self) -> usize {
        if self.random.f64() >= CRITICAL {
            return self.random.usize(..self.state.n_tasks());
        }
        if !self.path_is_current {
            self.state.critical_path(&mut self.path);
            self.path_is_current = true;
        }
        self.path[self.random.usize(..self.path.len())] as usize
    }

    fn choose_processor(&mut self, task: usize) -> usize {
        if self.random.f64() < FOLLOW
            && let Some(neighbour) = self.neighbour(task)
        {
            return self.state.processor(neighbour);
        }
        self.random.usize(..self.state.problem.n_processors())
    }

    fn choose_place(&mut self, task: usize) -> usize {
        let (mut first, mut last) = self.state.window(task);
        if self.random.f64() < NEAR {
            let position = self.state.position(task);
            let reach = 2 * self.state.problem.n_processors() + 2;
            first = first.max(position.saturating_sub(reach));
            last = last.min(position + reach);
        }
        self.random.usize(first..=last)
    }

    /// A predecessor or successor of `task`.
    fn neighbour(&mut self, task: usize) -> Option<usize> {
        let task = TaskId::new(task);
        let predecessors = self.state.problem.predecessors(task);
        let successors = self.state.problem.successors(task);
        let n_neighbours = predecessors.len() + successors.len();
        if n_neighbours == 0 {
            return None;
        }
        let index = self.random.usize(..n_neighbours);
        let dependency: &Dependency = match index.checked_sub(predecessors.len()) {
            None => &predecessors[index],
            Some(index) => &successors[index],
        };
        Some(dependency.task.index())
    }

    /// Moves neighbors of `task`, and their neighbors, from the task's previous processor to its current one.
    fn take_along(&mut self, mut task: usize, from: usize) {
        let to = self.state.processor(task);
        for _ in 0..=self.random.usize(..MAX_COMPANIONS) {
            match self.neighbour(task) {
                Some(neighbour) if self.state.processor(neighbour) == from => {
                    self.relocate(neighbour, self.state.position(neighbour), to);
                    task = neighbour;
                }
                _ => return,
            }
        }
    }

    fn relocate(&mut self, task: usize, place: usize, processor: usize) {
        let before = (task, self.state.position(task), self.state.processor(task));
        self.moved.push(before);
        self.state.relocate(task, place, processor);
    }

    fn take_back(&mut self) {
        while let Some((task, place, processor)) = self.moved.pop() {
            self.state.relocate(task, place, processor);
        }
        self.state.roll_back();
    }
}
