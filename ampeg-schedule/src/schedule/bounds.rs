//! Lower bounds on the makespan of every schedule.

use super::Processors;
use super::arrivals::{earlier, later};
use super::problem::Problem;
use super::sort::sort_spread;
use crate::base::error::Error;
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::{Time, count};
use std::collections::BinaryHeap;

/// Lower bounds on the makespan of every schedule of a graph on some processors.
///
/// A bound is a sum of costs in some order, so a makespan that equals the bound may differ from it by rounding.
///
/// ```
/// use ampeg::TaskGraph;
/// use ampeg::schedule::{LowerBounds, Processors};
///
/// let graph = TaskGraph::builder()
///     .task("a", 3)
///     .task("b", 3)
///     .task("c", 2)
///     .dependency("a", "c", 1)
///     .dependency("b", "c", 1)
///     .build()?;
/// let bounds = LowerBounds::new(&graph, &Processors::new(2)?)?;
/// assert_eq!(bounds.critical_path().value(), 5.0);
/// assert_eq!(bounds.work().value(), 4.0);
/// // Either `a` and `b` run one after the other, or one of them sends its result.
/// assert_eq!(bounds.joins().value(), 6.0);
/// assert_eq!(bounds.best(), bounds.joins());
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowerBounds {
    critical_path: Time,
    joins: Time,
    work: Time,
    packing: Time,
}

impl LowerBounds {
    /// Computes all bounds in O(n log n + e log² e) time.
    ///
    /// # Errors
    ///
    /// If `graph` has costs for several processors, but fewer than `processors` has.
    pub fn new(graph: &TaskGraph, processors: &Processors) -> Result<Self, Error> {
        Ok(Self::of(&Problem::new(graph, processors)?))
    }

    pub(super) fn of(problem: &Problem<'_>) -> Self {
        let items = items(problem);
        let joins = items.iter().map(Item::length).fold(0.0, f64::max);
        let n_processors = problem.n_processors();
        let turned = items.iter().map(Item::turned).collect();
        let packing = packing_of(items, n_processors).max(packing_of(turned, n_processors));
        Self {
            critical_path: Time::from_sum(critical_path(problem)),
            joins: Time::from_sum(joins),
            work: Time::from_sum(work(problem)),
            packing: Time::from_sum(packing),
        }
    }

    /// The longest path of computation costs without communication. Each cost is the least over the processors.
    pub fn critical_path(&self) -> Time {
        self.critical_path
    }

    /// The longest path, with unavoidable communication.
    ///
    /// If a task has several predecessors, some may run on its own processor, one after the other, and the others send
    /// their results. The same holds in reverse for several successors.
    pub fn joins(&self) -> Time {
        self.joins
    }

    /// All computation, spread evenly over the processors.
    pub fn work(&self) -> Time {
        self.work
    }

    /// The bound from the tasks nearest to the exit or to the entry: their work, spread evenly, and the time that each
    /// processor needs before and after this work.
    ///
    /// # Source
    ///
    /// Carlier, "Scheduling jobs with release dates and tails on identical machines to minimize makespan", EJOR 29(3), 1987.
    pub fn packing(&self) -> Time {
        self.packing
    }

    /// The highest bound.
    pub fn best(&self) -> Time {
        let bounds = [self.joins, self.work, self.packing];
        bounds.into_iter().fold(self.critical_path, Time::max)
    }
}

/// All computation on all processors at their speeds.
fn work(problem: &Problem<'_>) -> f64 {
    let tasks = problem.graph.task_ids();
    if problem.graph.n_cost_columns() == 1 {
        let costs: f64 = tasks.map(|task| problem.graph.mean_cost(task)).sum();
        let speeds: f64 = problem
            .processors
            .ids()
            .map(|processor| problem.processors.speed(processor))
            .sum();
        return costs / speeds;
    }
    let durations = tasks.map(|task| problem.shortest_duration(task));
    durations.sum::<f64>() / count(problem.n_processors())
}

/// A task, with the least time that must pass before and after it.
#[derive(Debug, Clone, Copy)]
struct Item {
    head: f64,
    duration: f64,
    tail: f64,
}

impl Item {
    fn length(&self) -> f64 {
        self.head + self.duration + self.tail
    }

    fn turned(&self) -> Self {
        Self {
            head: self.tail,
            tail: self.head,
            ..*self
        }
    }
}

fn items(problem: &Problem<'_>) -> Vec<Item> {
    let durations = problem.shortest_durations();
    let heads = heads(problem, &durations);
    let tails = self::heads(&problem.reversed(), &durations);
    let times = heads.into_iter().zip(tails);
    times
        .zip(&*durations)
        .map(|((head, tail), &duration)| Item {
            head,
            duration,
            tail,
        })
        .collect()
}

/// The longest path of shortest durations.
fn critical_path(problem: &Problem<'_>) -> f64 {
    let mut finishes = vec![0.0; problem.n_tasks()];
    let mut longest: f64 = 0.0;
    for &task in problem.topological_order() {
        let predecessors = problem.predecessors(task).iter();
        let start = predecessors
            .map(|predecessor| finishes[predecessor.task.index()])
            .fold(0.0, f64::max);
        let finish = start + problem.shortest_duration(task);
        finishes[task.index()] = finish;
        longest = longest.max(finish);
    }
    longest
}

/// The earliest start of each task, with the unavoidable communication.
fn heads(problem: &Problem<'_>, durations: &[f64]) -> Vec<f64> {
    let scale = problem.processors.least_communication();
    let mut heads = vec![0.0; problem.n_tasks()];
    let mut join = Join::default();
    for &task in problem.topological_order() {
        join.inputs.clear();
        join.inputs
            .extend(problem.predecessors(task).iter().map(|predecessor| {
                let index = predecessor.task.index();
                let alone = heads[index] + durations[index];
                Input {
                    head: heads[index],
                    alone,
                    duration: durations[index],
                    arrival: alone + predecessor.cost.value() * scale,
                }
            }));
        heads[task.index()] = join.earliest();
    }
    heads
}

/// A predecessor: its earliest start and finish, and the time at which its result can arrive on another processor.
#[derive(Debug, Clone, Copy)]
struct Input {
    head: f64,
    alone: f64,
    duration: f64,
    arrival: f64,
}

/// The predecessors of a task.
#[derive(Debug, Default)]
struct Join {
    inputs: Vec<Input>,
    scratch: Vec<Input>,
}

impl Join {
    /// The earliest start of a task, given its predecessors.
    ///
    /// If `k` of them run on the task's own processor, it is best to choose those whose results would arrive last. A
    /// larger `k` takes longer on that processor, but the task then waits for an earlier arrival. The best `k` is
    /// where the two times cross.
    fn earliest(&mut self) -> f64 {
        let (mut least, mut alone, mut latest, mut second) = (0.0, 0.0, 0.0, 0.0);
        for input in &self.inputs {
            least = later(least, input.alone);
            second = later(second, earlier(latest, input.arrival));
            alone = if input.arrival > latest {
                input.alone
            } else {
                alone
            };
            latest = later(latest, input.arrival);
        }
        // Usually, it is enough to run the last one on the task's own processor.
        if alone >= second || latest <= least {
            return later(earlier(alone, latest), least);
        }
        self.inputs.sort_by(|a, b| b.arrival.total_cmp(&a.arrival));
        // Usually, `k` is small. An upper limit is found by doubling, and then `k` by bisection.
        let n_inputs = self.inputs.len();
        let (mut low, mut high) = (1, 2);
        while high < n_inputs && self.is_too_few(high) {
            low = high;
            high = (2 * high).min(n_inputs);
        }
        while low + 1 < high {
            let n_local = low.midpoint(high);
            if self.is_too_few(n_local) {
                low = n_local;
            } else {
                high = n_local;
            }
        }
        let together = self.one_after_the_other(high);
        let latest = self.inputs[high - 1].arrival;
        later(earlier(together, latest), least)
    }

    /// Whether one processor has computed the first `n_local` inputs before the next one arrives from elsewhere.
    fn is_too_few(&mut self, n_local: usize) -> bool {
        self.one_after_the_other(n_local) < self.inputs[n_local].arrival
    }

    /// The time at which one processor has computed the first `n_local` inputs.
    fn one_after_the_other(&mut self, n_local: usize) -> f64 {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.inputs[..n_local]);
        self.scratch
            .sort_unstable_by(|a, b| a.head.total_cmp(&b.head));
        let done = |time, input: &Input| later(time, input.head) + input.duration;
        self.scratch.iter().fold(0.0, done)
    }
}

/// The best bound from the tasks with the largest tails.
///
/// On each processor, the time before the first task is at least some task's head, and the time after the last task
/// is at least some task's tail.
fn packing_of(mut items: Vec<Item>, n_processors: usize) -> f64 {
    let by_tail = |a: &Item, b: &Item| b.tail.total_cmp(&a.tail);
    sort_spread(&mut items, &mut Vec::new(), |item| -item.tail, by_tail);
    let mut smallest_heads: BinaryHeap<Time> = BinaryHeap::new();
    let (mut heads, mut work, mut tails) = (0.0, 0.0, 0.0);
    let mut best: f64 = 0.0;
    for (index, item) in items.iter().enumerate() {
        work += item.duration;
        tails += item.tail;
        let head = Time::from_sum(item.head);
        if index < n_processors {
            smallest_heads.push(head);
            heads += item.head;
        } else {
            tails -= items[index - n_processors].tail;
            // Heads usually grow as tails shrink.
            if let Some(mut largest) = smallest_heads.peek_mut()
                && head < *largest
            {
                heads += item.head - largest.value();
                *largest = head;
            }
        }
        if index + 1 >= n_processors {
            best = later(best, (heads + work + tails) / count(n_processors));
        }
    }
    best
}
