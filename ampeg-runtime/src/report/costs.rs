//! Costs that a run measured, which the next schedule can use.

use super::{Report, seconds};
use ampeg_schedule::{Cost, TaskGraph};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Computation and communication costs by the names of tasks, in seconds.
///
/// The type implements serde's traits: save the costs in any format, and use them for the next schedule with
/// [`Graph::with_costs`](crate::Graph::with_costs).
///
/// ```
/// use ampeg::{MeasuredCosts, graph};
///
/// let graph = graph! {
///     short = 1 @ 100; // a wrong guess
///     long = std::thread::sleep(std::time::Duration::from_millis(20));
///     both = (short, long).0;
/// };
/// let first = graph.run(2)?;
/// let saved = serde_json::to_string(&first.report().measured_costs())?;
///
/// let costs: MeasuredCosts = serde_json::from_str(&saved)?;
/// assert!(costs.computation["long"] > costs.computation["short"]);
/// let again = graph.with_costs(&costs).run(2)?;
/// assert_eq!(again.both, first.both);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[must_use = "measured costs do nothing until a graph gets them with `with_costs`"]
pub struct MeasuredCosts {
    /// By task: the time of its body.
    pub computation: BTreeMap<String, Cost>,
    /// By task, then by each task that depends on it: the time to move the result to the other worker.
    pub communication: BTreeMap<String, BTreeMap<String, Cost>>,
}

impl Report {
    /// The measured costs of each task that succeeded and of each dependency whose result moved.
    ///
    /// The cost of a dependency is the time to encode, send and decode the result, which is not a part of
    /// computation. The time that the consumer waited for the producer does not count.
    pub fn measured_costs(&self) -> MeasuredCosts {
        let mut costs = MeasuredCosts::default();
        for attempt in self.attempts().iter().filter(|attempt| attempt.succeeded) {
            let name = self.graph.name(attempt.task).to_owned();
            costs
                .computation
                .insert(name, seconds(attempt.computation()));
        }
        for transfer in self.transfers() {
            let way = transfer.received.saturating_sub(transfer.sent) + transfer.decoding;
            let encoding = self.attempt(transfer.predecessor).map(|it| it.encoding);
            let duration = seconds(way + encoding.unwrap_or_default());
            let from = self.graph.name(transfer.predecessor).to_owned();
            let by_successor = costs.communication.entry(from).or_default();
            for successor in self.graph.successors(transfer.predecessor) {
                let there = self.attempt(successor.task);
                if there.is_some_and(|attempt| attempt.worker == transfer.to) {
                    let name = self.graph.name(successor.task).to_owned();
                    by_successor.insert(name, duration);
                }
            }
        }
        costs
    }

    /// The former name of [`measured_costs`](Self::measured_costs).
    #[deprecated(since = "0.1.0", note = "write `measured_costs`")]
    pub fn costs(&self) -> MeasuredCosts {
        self.measured_costs()
    }
}

/// The graph with the measured costs. Costs that were not measured are estimated.
pub(crate) fn apply(graph: &TaskGraph, costs: &MeasuredCosts) -> TaskGraph {
    let measured = |task| costs.computation.get(graph.name(task)).copied();
    let scale = scale(graph, costs);
    let scaled = |cost: Cost| Cost::new(cost.value() * scale).unwrap_or(cost);
    let means = Means::of(costs);
    graph.with_costs(
        |task| measured(task).unwrap_or_else(|| scaled(graph.costs(task)[0])),
        |predecessor, successor| {
            let (from, to) = (graph.name(predecessor), graph.name(successor));
            let by_successor = costs.communication.get(from);
            let measured = by_successor.and_then(|costs| costs.get(to)).copied();
            measured
                .or_else(|| means.of_result(from))
                .unwrap_or_else(|| {
                    let declared = graph.predecessors(successor).iter();
                    let declared = declared.filter(|dependency| dependency.task == predecessor);
                    declared
                        .map(|dependency| scaled(dependency.cost))
                        .max()
                        .unwrap_or(Cost::ZERO)
                })
        },
    )
}

/// The mean costs of moving results.
struct Means {
    by_task: HashMap<String, Cost>,
    by_family: HashMap<String, Cost>,
}

impl Means {
    fn of(costs: &MeasuredCosts) -> Self {
        let mut by_task = HashMap::new();
        let mut by_family: HashMap<_, Vec<Cost>> = HashMap::new();
        for (task, by_successor) in &costs.communication {
            let costs: Vec<Cost> = by_successor.values().copied().collect();
            by_task.extend(mean(&costs).map(|mean| (task.clone(), mean)));
            by_family.entry(family(task)).or_default().extend(costs);
        }
        let by_family = by_family.into_iter();
        Self {
            by_task,
            by_family: by_family
                .filter_map(|(family, costs)| Some((family, mean(&costs)?)))
                .collect(),
        }
    }

    /// The expected cost of moving the result of a task.
    fn of_result(&self, task: &str) -> Option<Cost> {
        let by_family = || self.by_family.get(&family(task));
        self.by_task.get(task).or_else(by_family).copied()
    }
}

fn mean(costs: &[Cost]) -> Option<Cost> {
    let add = |(sum, n), cost: &Cost| (sum + cost.value(), n + 1.0);
    let (sum, n) = costs.iter().fold((0.0, 0.0), add);
    Cost::new(sum / n).ok()
}

/// The name of a task without its indices: `shard.part` for `shard[2].part[0]`.
pub(super) fn family(task: &str) -> String {
    let mut depth = 0;
    let is_outside = |&letter: &char| {
        depth += i32::from(letter == '[');
        let is_outside = depth == 0;
        depth -= i32::from(letter == ']');
        is_outside
    };
    task.chars().filter(is_outside).collect()
}

/// The number of seconds in a declared unit.
fn scale(graph: &TaskGraph, costs: &MeasuredCosts) -> f64 {
    let both = graph.task_ids().filter_map(|task| {
        let measured = costs.computation.get(graph.name(task))?;
        Some((measured.value(), graph.mean_cost(task)))
    });
    let (measured, declared) = both.fold((0.0, 0.0), |sum, both| (sum.0 + both.0, sum.1 + both.1));
    if measured > 0.0 && declared > 0.0 {
        measured / declared
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::log::{Events, Observers};
    use crate::run::message::{Arrival, AttemptReport, Observed};
    use ampeg_schedule::{ProcessorId, TaskId};
    use std::sync::Arc;

    /// Two members of `made`, each used by a member of `used`.
    fn graph() -> TaskGraph {
        TaskGraph::builder()
            .task("made[0]", 1.0)
            .task("made[1]", 1.0)
            .task("used[0]", 1.0)
            .task("used[1]", 1.0)
            .dependency("made[0]", "used[0]", 7.0)
            .dependency("made[1]", "used[1]", 7.0)
            .dependency("made[0]", "used[1]", 7.0)
            .dependency("used[0]", "used[1]", 7.0)
            .build()
            .unwrap()
    }

    const SECOND: u64 = 1_000_000_000;

    fn ended(task: usize, (start, finish): (u64, u64), arrivals: Vec<Arrival>) -> AttemptReport {
        AttemptReport {
            run: 1,
            task: TaskId::new(task),
            attempt: 1,
            result: Ok(None),
            will_retry: false,
            epoch: 0,
            observed: Observed {
                arrivals,
                encoding: if task == 0 { 2 * SECOND } else { 0 },
                ..Observed::between(start * SECOND, finish * SECOND)
            },
        }
    }

    /// The costs of a run that moved only `made[0]`, to `used[0]`, which took one second to decode it.
    fn costs() -> MeasuredCosts {
        let graph = Arc::new(graph());
        let mut events = Events::begin(&graph, None, 2, Observers::default(), 0);
        let arrival = Arrival {
            task: TaskId::new(0),
            from: None,
            sent: 10 * SECOND,
            received: 13 * SECOND,
            bytes: 8,
            decoding: SECOND,
        };
        events.task_ends(ProcessorId::new(0), &ended(0, (0, 10), Vec::new()));
        events.task_ends(ProcessorId::new(1), &ended(2, (13, 18), vec![arrival]));
        let (log, _) = events.end(0);
        Report::inline(&graph, log).measured_costs()
    }

    #[test]
    fn encoding_and_decoding_are_communication_costs() {
        let costs = costs();
        assert_eq!(costs.computation["made[0]"].value(), 8.0);
        assert_eq!(costs.computation["used[0]"].value(), 4.0);
        assert_eq!(costs.communication["made[0]"]["used[0]"].value(), 6.0);
    }

    #[test]
    fn result_that_was_not_moved_gets_the_cost_of_its_task_or_family() {
        let graph = graph();
        let applied = apply(&graph, &costs());
        let cost = |from: &str, to: &str| {
            let (from, to) = (graph.find(from).unwrap(), graph.find(to).unwrap());
            let mut inputs = applied.predecessors(to).iter();
            inputs
                .find(|input| input.task == from)
                .unwrap()
                .cost
                .value()
        };
        assert_eq!(cost("made[0]", "used[0]"), 6.0, "as measured");
        assert_eq!(cost("made[0]", "used[1]"), 6.0, "the same result");
        assert_eq!(cost("made[1]", "used[1]"), 6.0, "the same family");
        assert_eq!(
            cost("used[0]", "used[1]"),
            7.0 * 6.0,
            "declared, and scaled"
        );
    }

    #[test]
    fn family_is_the_name_without_indices() {
        assert_eq!(family("shard[2].part[0][i[1]]"), "shard.part");
        assert_eq!(family("a.b"), "a.b");
    }
}
