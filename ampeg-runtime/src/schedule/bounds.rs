//! What no schedule can beat: lower bounds on the makespan.

use super::Processors;
use super::problem::Problem;
use crate::cost::{Time, count};
use crate::error::Error;
use crate::graph::TaskGraph;
use std::collections::{BinaryHeap, VecDeque};

/// Lower bounds on the makespan of every schedule of a graph on some processors.
///
/// They are sums of costs in some order: a makespan that equals one may differ from it by rounding.
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
    /// Works out all bounds, in O(n log n + e log² e) time.
    ///
    /// # Errors
    ///
    /// If `graph` has costs for several processors, but fewer than there are in `processors`.
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

    /// The longest path of computation costs, each the least over the processors, without communication.
    pub fn critical_path(&self) -> Time {
        self.critical_path
    }

    /// The longest path with the communication that cannot be avoided.
    ///
    /// Where a task has several predecessors, some may run on its own processor, one after the other; the others send their results.
    /// The same holds, seen from the end, for several successors.
    pub fn joins(&self) -> Time {
        self.joins
    }

    /// All computation, spread evenly over the processors.
    pub fn work(&self) -> Time {
        self.work
    }

    /// The work of the tasks nearest to the exit, or to the entry, spread evenly, with what must come before and after it on each processor.
    ///
    /// # Source
    ///
    /// Carlier, "Scheduling jobs with release dates and tails on identical machines to minimize makespan", EJOR 29(3), 1987.
    pub fn packing(&self) -> Time {
        self.packing
    }

    /// The highest of them.
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

/// A task with the least that must come before and after it.
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
    let heads = heads(problem);
    let tails = self::heads(&problem.reversed());
    let times = heads.into_iter().zip(tails);
    times
        .zip(problem.graph.task_ids())
        .map(|((head, tail), task)| Item {
            head,
            duration: problem.shortest_duration(task),
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

/// The earliest that each task can start, with the communication that cannot be avoided.
fn heads(problem: &Problem<'_>) -> Vec<f64> {
    let scale = problem.processors.least_communication();
    let mut heads = vec![0.0; problem.n_tasks()];
    let mut inputs = Vec::new();
    for &task in problem.topological_order() {
        inputs.clear();
        inputs.extend(problem.predecessors(task).iter().map(|predecessor| {
            let head = heads[predecessor.task.index()];
            let duration = problem.shortest_duration(predecessor.task);
            Input {
                head,
                duration,
                arrival: head + duration + predecessor.cost.value() * scale,
            }
        }));
        heads[task.index()] = earliest_join(&mut inputs);
    }
    heads
}

/// A predecessor: its earliest start, and when its result can be elsewhere.
#[derive(Debug, Clone, Copy, Default)]
struct Input {
    head: f64,
    duration: f64,
    arrival: f64,
}

/// The earliest that a task can start, given its predecessors.
///
/// If `k` of them run on its own processor, those had better be the ones whose results would arrive last.
/// More of them there take longer, and leave an earlier arrival to wait for: the best `k` is where the two cross.
fn earliest_join(inputs: &mut [Input]) -> f64 {
    let alone = |input: &Input| input.head + input.duration;
    let least = inputs.iter().map(alone).fold(0.0, f64::max);
    let mut latest = Input::default();
    let mut second: f64 = 0.0;
    for input in &*inputs {
        if input.arrival > latest.arrival {
            second = latest.arrival;
            latest = *input;
        } else {
            second = second.max(input.arrival);
        }
    }
    // Mostly it is enough to have the last one at home.
    if alone(&latest) >= second || latest.arrival <= least {
        return alone(&latest).min(latest.arrival).max(least);
    }
    inputs.sort_by(|a, b| b.arrival.total_cmp(&a.arrival));
    let (mut low, mut high) = (1, inputs.len());
    while low < high {
        let n_local = low.midpoint(high);
        if one_after_the_other(&inputs[..n_local]) < inputs[n_local].arrival {
            low = n_local + 1;
        } else {
            high = n_local;
        }
    }
    let together = one_after_the_other(&inputs[..low]);
    together.min(inputs[low - 1].arrival).max(least)
}

/// When these are all done on one processor.
fn one_after_the_other(inputs: &[Input]) -> f64 {
    let mut sorted = inputs.to_vec();
    sorted.sort_by(|a, b| a.head.total_cmp(&b.head));
    sorted.iter().fold(0.0, |time: f64, input| {
        time.max(input.head) + input.duration
    })
}

/// The best bound from tasks with the largest tails.
///
/// On each processor, what precedes its first task is some task's head, and what follows its last one some task's tail.
fn packing_of(mut items: Vec<Item>, n_processors: usize) -> f64 {
    items.sort_by(|a, b| b.tail.total_cmp(&a.tail));
    let mut smallest_heads: BinaryHeap<Time> = BinaryHeap::new();
    let mut smallest_tails = VecDeque::new();
    let (mut heads, mut work, mut tails) = (0.0, 0.0, 0.0);
    let mut best: f64 = 0.0;
    for item in items {
        work += item.duration;
        heads += item.head;
        tails += item.tail;
        smallest_heads.push(Time::from_sum(item.head));
        smallest_tails.push_back(item.tail);
        if smallest_heads.len() > n_processors {
            heads -= smallest_heads.pop().map_or(0.0, Time::value);
            tails -= smallest_tails.pop_front().unwrap_or(0.0);
        }
        if smallest_heads.len() == n_processors {
            best = best.max((heads + work + tails) / count(n_processors));
        }
    }
    best
}
