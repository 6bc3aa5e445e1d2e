//! Tasks of an ended run that are still running in its workers.

use super::faulty::Faulty;
use super::{Crew, bounds_of, run};
use crate::plan::Plan;
use crate::plan::retry::Retry;
use crate::testing::{Action, Blobs, Deadline, Node, check, graph};
use ampeg_schedule::{Policy, Processors, Scheduler as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Runs a graph of one task on one worker.
fn run_one(crew: &mut Crew, action: Action, time: Duration) -> (Vec<Node>, Blobs) {
    let nodes = vec![Node {
        parents: vec![],
        size: 0,
        action,
        output: true,
    }];
    let graph = graph(&nodes, |_| (1.0, 1.0));
    let definition = graph.definition().unwrap();
    let schedule = Policy::Heft
        .schedule(&definition.task_graph, &Processors::new(1).unwrap())
        .unwrap();
    let plan = Arc::new(Plan::new(definition, &schedule, Retry::default()));
    let never = AtomicBool::new(false);
    let blobs = run(crew, &graph, &plan, bounds_of(time, &never));
    (nodes, blobs)
}

#[test]
fn worker_that_runs_a_task_of_an_ended_run_is_replaced() {
    let _deadline = Deadline::seconds("late task", 60);
    // At the end of a run, every running task is killed. In this test, a task begins a moment later, and is not killed.
    let cluster = Faulty::tough(1, 2);
    let witness = cluster.seen();
    let mut crew = Crew::new(Box::new(cluster));
    let (_, blobs) = run_one(&mut crew, Action::Hang, Duration::from_millis(100));
    assert!(blobs[0].as_ref().unwrap().is_err());
    let (nodes, blobs) = run_one(&mut crew, Action::Compute, Duration::from_secs(30));
    assert!(blobs[0].as_ref().unwrap().is_ok());
    check(&nodes, &blobs);
    drop(crew);
    witness.lock().unwrap().check_gone();
}
