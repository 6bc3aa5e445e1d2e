//! Costs as a run measured them, to be kept and fed back.

use super::{Report, seconds};
use crate::cost::Cost;
use crate::graph::TaskGraph;
use crate::program::Graph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Computation and communication costs by the names of tasks, in seconds.
///
/// It implements serde's traits, so that it can be saved in any format and given to the next schedule with
/// [`Graph::with_costs`].
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
/// let saved = serde_json::to_string(&first.report().costs())?;
///
/// let costs: MeasuredCosts = serde_json::from_str(&saved)?;
/// assert!(costs.computation["long"] > costs.computation["short"]);
/// let again = graph.with_costs(&costs).run(2)?;
/// assert_eq!(again.both, first.both);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredCosts {
    /// By task: what its body took.
    pub computation: BTreeMap<String, Cost>,
    /// By task, then by each task that depends on it: what its result took from worker to worker.
    pub communication: BTreeMap<String, BTreeMap<String, Cost>>,
}

impl Report {
    /// What the run measured: each task that succeeded, and each dependency whose result was moved.
    ///
    /// A transfer counts from its sending to its arrival; it does not contain what the consumer waited for
    /// the producer.
    pub fn costs(&self) -> MeasuredCosts {
        let mut costs = MeasuredCosts::default();
        for attempt in self.attempts().iter().filter(|attempt| attempt.succeeded) {
            let name = self.graph.name(attempt.task).to_owned();
            let duration = attempt.finish.saturating_sub(attempt.start);
            costs.computation.insert(name, seconds(duration));
        }
        for transfer in self.transfers() {
            let duration = seconds(transfer.received.saturating_sub(transfer.sent));
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
}

impl<O> Graph<O> {
    /// The same graph with other costs, such as those that an earlier run measured.
    ///
    /// What `costs` does not name is scaled: its declared costs are taken as so many times the mean ratio of measured
    /// to declared costs, so that measured seconds and declared units can stand side by side.
    /// A graph whose costs are not valid stays as it is.
    #[must_use]
    pub fn with_costs(&self, costs: &MeasuredCosts) -> Self {
        match self.task_graph() {
            Ok(graph) => self.with_task_graph(apply(graph, costs)),
            Err(_) => self.clone(),
        }
    }
}

fn apply(graph: &TaskGraph, costs: &MeasuredCosts) -> TaskGraph {
    let measured = |task| costs.computation.get(graph.name(task)).copied();
    let scale = scale(graph, costs);
    let scaled = |cost: Cost| Cost::checked(cost.value() * scale).unwrap_or(cost);
    graph.with_costs(
        |task| measured(task).unwrap_or_else(|| scaled(graph.costs(task)[0])),
        |predecessor, successor| {
            let by_successor = costs.communication.get(graph.name(predecessor));
            let measured = by_successor.and_then(|costs| costs.get(graph.name(successor)));
            measured.copied().unwrap_or_else(|| {
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

/// How many of the measured units a declared one is worth.
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
