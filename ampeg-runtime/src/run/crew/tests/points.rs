//! One fault at every point of a run: a fault of a worker costs at most the task that ran there.
//!
//! For each graph, worker and point, one run has its fault exactly at this point, and another run follows.

use super::faulty::{Fault, Faulty};
use super::{Crew, bounds_of, run};
use crate::base::failure::TaskErrorKind;
use crate::plan::Plan;
use crate::plan::retry::Retry;
use crate::testing::{Action, Blobs, Deadline, Node, expected, graph, random_costs, random_nodes};
use ampeg_schedule::{Policy, Processors, Scheduler as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Runs a graph twice, with one fault in one of the runs. Returns whether the point was reached, and how many tasks
/// crashed.
fn run_with(
    nodes: &[Node],
    seed_of_costs: u64,
    fault: Fault,
    victim: usize,
    point: usize,
) -> (bool, usize) {
    const WORKERS: usize = 3;
    let graph = graph(nodes, random_costs(seed_of_costs));
    let definition = graph.definition().unwrap();
    let processors = Processors::new(WORKERS).unwrap();
    let schedule = Policy::Heft
        .schedule(&definition.task_graph, &processors)
        .unwrap();
    let cluster = Faulty::start(WORKERS, fault, victim, point);
    let seen = cluster.seen();
    let mut crew = Crew::new(Box::new(cluster));
    let never = AtomicBool::new(false);
    let bounds = bounds_of(Duration::from_secs(10), &never);
    let plan = Arc::new(Plan::new(definition, &schedule, Retry::default()));
    let mut lost = 0;
    for _ in 0..2 {
        lost += crashed(nodes, &run(&mut crew, &graph, &plan, bounds));
    }
    let most = if fault == Fault::KillTwo { 2 } else { 1 };
    assert!(lost <= most, "{fault:?} took {lost} tasks");
    drop(crew);
    let seen = seen.lock().unwrap();
    seen.check_gone();
    (seen.struck, lost)
}

/// Counts the crashed tasks. All other results must be right, except those of tasks that depend on a crashed one.
fn crashed(nodes: &[Node], blobs: &Blobs) -> usize {
    let mut roots = BTreeSet::new();
    for (index, (expected, found)) in expected(nodes).iter().zip(blobs).enumerate() {
        match found {
            Some(Ok(blob)) => assert_eq!(Some(blob.check()), *expected, "node{index}"),
            Some(Err(error)) if expected.is_some() => {
                let root = error.root();
                let is_kill = matches!(
                    root.kind(),
                    TaskErrorKind::Crashed {
                        signal: Some(9),
                        ..
                    }
                );
                assert!(is_kill, "node{index}: {error}");
                roots.insert(root.task().to_owned());
            }
            Some(Err(_)) => {}
            None => assert!(!nodes[index].output, "node{index} has no result"),
        }
    }
    roots.len()
}

/// Graphs of different shapes: a chain, a fan, two layers, and random ones. Some tasks fail.
fn graphs() -> Vec<Vec<Node>> {
    let mut random = fastrand::Rng::with_seed(4);
    let mut node = |parents: Vec<usize>| Node {
        parents,
        size: [0, 100, 50_000][random.usize(0..3)],
        action: Action::Compute,
        output: random.bool(),
    };
    let chain = (0..6).map(|task: usize| node(task.checked_sub(1).into_iter().collect()));
    let chain: Vec<_> = chain.collect();
    let mut fan: Vec<_> = (0..6)
        .map(|task| node(if task == 0 { vec![] } else { vec![0] }))
        .collect();
    fan.push(node((1..6).collect()));
    let layers = |task| if task < 4 { vec![] } else { (0..4).collect() };
    let mut layers: Vec<_> = (0..8).map(|task| node(layers(task))).collect();
    layers[2].action = Action::Fail;
    layers[5].parents = vec![0, 1];
    let mut random = fastrand::Rng::with_seed(5);
    let shuffled = random_nodes(&mut random, 12, 200_000);
    vec![chain, fan, layers, shuffled]
}

/// Runs all graphs with the fault at every point, or at one point in `one_in`.
fn strike_everywhere(test: &str, fault: Fault, one_in: usize) {
    let graphs = graphs();
    let (mut faults, mut crashed) = (0, 0);
    for (number, graph) in graphs.iter().enumerate() {
        for victim in 0..3 {
            for point in ((number + victim) % one_in..).step_by(one_in) {
                let (struck, lost) = run_with(graph, number as u64, fault, victim, point);
                crashed += lost;
                if !struck {
                    break;
                }
                faults += 1;
            }
        }
    }
    println!(
        "{test}: {} graphs, {faults} faults survived, {crashed} tasks crashed, 0 other results lost",
        graphs.len()
    );
    assert!(faults > 100 / one_in, "only {faults} faults happened");
}

#[test]
fn worker_killed_at_any_point_costs_one_task_at_most() {
    let _deadline = Deadline::seconds("kill", 120);
    strike_everywhere("kill", Fault::Kill, 1);
}

#[test]
fn two_workers_killed_at_once_cost_two_tasks_at_most() {
    let _deadline = Deadline::seconds("two kills", 120);
    strike_everywhere("two kills", Fault::KillTwo, 3);
}

#[test]
fn replacement_killed_at_its_start_costs_nothing_more() {
    let _deadline = Deadline::seconds("kill again", 120);
    strike_everywhere("kill again", Fault::KillAgain, 3);
}

#[test]
fn worker_stopped_and_continued_at_any_point_costs_nothing() {
    let _deadline = Deadline::seconds("stop", 300);
    strike_everywhere("stop", Fault::Stop, 1);
}

#[test]
fn messages_held_back_at_any_point_cost_nothing() {
    let _deadline = Deadline::seconds("delay", 300);
    strike_everywhere("delay", Fault::Delay, 1);
}
