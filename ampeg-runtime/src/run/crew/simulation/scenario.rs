//! The subject of a simulation: graphs, plans, the runs of one pool, and the faults that may happen.

use crate::Graph;
use crate::definition::{Definition, Limits};
use crate::plan::Plan;
use crate::plan::retry::Retry;
use crate::testing::{Action, Blobs, Node, with_limits};
use ampeg_schedule::TaskId;
use ampeg_schedule::{Processors, Schedule};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The life of one pool.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) n_workers: usize,
    pub(super) programs: Vec<Program>,
    pub(super) runs: Vec<Planned>,
    pub(super) faults: Faults,
    /// Whether the coordinator's messages may be kept for a while, so that messages of other workers overtake them.
    pub(super) has_backlogs: bool,
    pub(super) curse: Option<Curse>,
    pub(super) paces: Paces,
}

/// Ends every new process of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Curse {
    pub(super) worker: usize,
    /// Whether each process ends before its hello. Otherwise it ends when it receives the beginning of a run.
    pub(super) is_early: bool,
}

/// A run that will be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) program: usize,
    /// The time limit of the run.
    pub(super) timeout: Option<Duration>,
}

/// The number of faults of each kind that may happen in all runs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) deaths: usize,
    pub(super) cancels: usize,
    pub(super) failed_starts: usize,
    /// Messages of workers that the coordinator fails to receive.
    pub(super) losses: usize,
    /// Workers that are stopped, and may be continued.
    pub(super) stops: usize,
    /// The number of times that time passes although something could happen.
    pub(super) waits: usize,
}

/// The probability of each kind of action in this scenario. They differ, so that each part of the world is slow in
/// some scenarios.
#[derive(Debug, Clone)]
pub(super) struct Paces {
    pub(super) workers: Vec<u32>,
    pub(super) reports: u32,
    pub(super) exits: u32,
    pub(super) coordinator: u32,
    /// The messages of the coordinator that are kept.
    pub(super) messages: u32,
    pub(super) starts: u32,
    pub(super) waits: u32,
    pub(super) faults: u32,
}

/// A task, and the worker that runs it.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// Parents come before children.
    pub(super) parents: Vec<usize>,
    pub(super) size: usize,
    pub(super) action: Action,
    pub(super) output: bool,
    pub(super) limits: Limits,
    pub(super) home: usize,
}

/// A graph and a plan for it.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) limits: Vec<Limits>,
    graph: Graph<Blobs>,
    /// The wait before a second attempt.
    backoff: Duration,
    pub(super) plan: Arc<Plan>,
    /// The tasks in a topological order.
    order: Vec<TaskId>,
}

impl Paces {
    /// Paces that are all the same.
    pub(super) fn even(n_workers: usize) -> Self {
        Self {
            workers: vec![1; n_workers],
            reports: 1,
            exits: 1,
            coordinator: 1,
            messages: 1,
            starts: 1,
            waits: 1,
            faults: 1,
        }
    }
}

impl Task {
    /// A task that computes something small.
    pub(super) fn new(parents: &[usize], home: usize) -> Self {
        Self {
            parents: parents.to_vec(),
            size: 0,
            action: Action::Compute,
            output: false,
            limits: Limits::default(),
            home,
        }
    }
}

impl Program {
    /// A program with these tasks. Their numbers in the graph are their positions, and each worker runs its tasks in
    /// this order.
    pub(super) fn new(
        tasks: &[Task],
        numbers: &[usize],
        n_processors: usize,
        backoff: Duration,
    ) -> Self {
        let mut placed: Vec<_> = tasks.iter().zip(numbers).collect();
        placed.sort_unstable_by_key(|&(_, number)| number);
        let node = |task: &Task| Node {
            parents: task.parents.iter().map(|&parent| numbers[parent]).collect(),
            size: task.size,
            action: task.action.clone(),
            output: task.output,
        };
        let nodes: Vec<_> = placed.iter().map(|&(task, _)| node(task)).collect();
        let limits: Vec<_> = placed.iter().map(|&(task, _)| task.limits).collect();
        let graph = with_limits(&nodes, |_| (1.0, 1.0), |task| limits[task]);
        let order: Vec<_> = numbers.iter().copied().map(TaskId::new).collect();
        let homes = tasks.iter().map(|task| task.home);
        Self {
            plan: plan(&graph, &order, homes, (n_processors, backoff)),
            backoff,
            nodes,
            limits,
            graph,
            order,
        }
    }

    /// The same graph with its tasks on other workers.
    pub(super) fn replanned(&self, mut home: impl FnMut() -> usize, n_processors: usize) -> Self {
        let homes = self.order.iter().map(|_| home());
        Self {
            plan: plan(
                &self.graph,
                &self.order,
                homes,
                (n_processors, self.backoff),
            ),
            ..self.clone()
        }
    }

    pub(super) fn definition(&self) -> &Definition {
        self.graph.definition().expect("a graph without cycles")
    }
}

fn plan(
    graph: &Graph<Blobs>,
    order: &[TaskId],
    homes: impl Iterator<Item = usize>,
    (n_processors, backoff): (usize, Duration),
) -> Arc<Plan> {
    let mut by_worker = vec![Vec::new(); n_processors];
    for (&task, home) in order.iter().zip(homes) {
        by_worker[home].push(task);
    }
    let definition = graph.definition().expect("a graph without cycles");
    let processors = Processors::new(n_processors).expect("at least one");
    let schedule = Schedule::from_order(&definition.task_graph, &processors, &by_worker);
    let schedule = schedule.expect("an order that follows the dependencies");
    let retry = Retry {
        backoff,
        ..Retry::default()
    };
    Arc::new(Plan::new(definition, &schedule, retry))
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (worker, queue) in self.plan.steps.iter().enumerate() {
            let comma = if worker > 0 { "; " } else { "" };
            write!(f, "{comma}worker {worker} has")?;
            if queue.is_empty() {
                f.write_str(" nothing")?;
            }
            for (place, step) in queue.iter().enumerate() {
                let (task, comma) = (step.task, if place > 0 { "," } else { "" });
                let (node, limits) = (&self.nodes[task.index()], self.limits[task.index()]);
                write!(f, "{comma} task {task} of {:?}", node.parents)?;
                if node.action != Action::Compute {
                    write!(f, " {:?}", node.action)?;
                }
                if node.output {
                    f.write_str(" output")?;
                }
                if limits.retry > 0 {
                    write!(f, " retry {}", limits.retry)?;
                }
                if limits.within.is_some() {
                    f.write_str(" limited")?;
                }
            }
        }
        Ok(())
    }
}
