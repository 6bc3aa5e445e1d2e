//! The contract of a transport, run against each of them.

use super::ipc::IpcCluster;
use super::local::LocalCluster;
use super::*;
use crate::definition::Definition;
use crate::id::TaskId;
use crate::message::{Content, Ended, Value};
use crate::payload::Payload;
use crate::plan::Step;
use crate::pool::caller::Caller;
use crate::testing::{Action, Deadline, Node, graph};
use std::time::Instant;

fn each(test: &'static str, check: impl Fn(Box<dyn Cluster>)) {
    let _deadline = Deadline::seconds(test, 120);
    check(Box::new(LocalCluster::start(2, Caller::default()).unwrap()));
    check(Box::new(IpcCluster::start(2, None).unwrap()));
}

fn worker(index: usize) -> ProcessorId {
    ProcessorId::new(index)
}

fn chain(n_tasks: usize, size: usize) -> Vec<Node> {
    let node = |task: usize| Node {
        parents: task.checked_sub(1).into_iter().collect(),
        size,
        action: Action::Compute,
        output: true,
    };
    (0..n_tasks).map(node).collect()
}

fn load(cluster: &mut dyn Cluster, definition: &Definition) {
    for index in 0..cluster.n_workers() {
        for message in ToWorker::load(definition).unwrap() {
            cluster.send(worker(index), message);
        }
    }
}

fn step(definition: &Definition, task: usize, consumers: &[usize]) -> Step {
    Step {
        consumers: consumers.iter().map(|&consumer| worker(consumer)).collect(),
        ..Step::new(definition, TaskId::new(task))
    }
}

fn send_steps(cluster: &mut dyn Cluster, to: usize, run: u64, steps: Vec<Step>) {
    cluster.send(
        worker(to),
        ToWorker::Steps {
            run,
            steps,
            more: false,
        },
    );
}

fn next(cluster: &mut dyn Cluster) -> (ProcessorId, Ended) {
    match cluster.receive(None) {
        Some(Event::Message(from, FromWorker::Ended(ended))) => (from, ended),
        other => panic!("expected the end of a task, found {other:?}"),
    }
}

#[test]
fn messages_arrive_in_order_both_ways() {
    each("order", |mut cluster| {
        let mut nodes = chain(200, 10);
        for node in &mut nodes {
            node.parents.clear();
        }
        let graph = graph(&nodes, |_| (1.0, 0.0));
        let definition = graph.definition().unwrap();
        load(&mut *cluster, definition);
        for task in 0..200 {
            send_steps(&mut *cluster, 0, 1, vec![step(definition, task, &[])]);
        }
        for task in 0..200 {
            let (from, ended) = next(&mut *cluster);
            assert_eq!((from, ended.task), (worker(0), TaskId::new(task)));
            assert!(ended.result.is_ok());
        }
    });
}

#[test]
fn workers_send_each_other_results_of_any_size() {
    for size in [0, 1_000, 300_000, 20_000_000] {
        each("sizes", |mut cluster| {
            let graph = graph(&chain(6, size), |_| (1.0, 0.0));
            let definition = graph.definition().unwrap();
            load(&mut *cluster, definition);
            for task in 0..6 {
                let (here, there) = (task % 2, 1 - task % 2);
                let consumers: &[usize] = if task < 5 { &[there] } else { &[] };
                send_steps(
                    &mut *cluster,
                    here,
                    1,
                    vec![step(definition, task, consumers)],
                );
            }
            for _ in 0..6 {
                // What two workers say may come in any order.
                let (from, ended) = next(&mut *cluster);
                assert_eq!(from, worker(ended.task.index() % 2));
                assert!(ended.result.unwrap().unwrap().len() >= size as u64);
            }
        });
    }
}

#[test]
fn value_may_come_before_the_run_that_needs_it() {
    each("early value", |mut cluster| {
        let nodes = chain(2, 100);
        let graph = graph(&nodes, |_| (1.0, 0.0));
        let definition = graph.definition().unwrap();
        load(&mut *cluster, definition);
        send_steps(&mut *cluster, 0, 1, vec![step(definition, 0, &[])]);
        let payload: Payload = next(&mut *cluster).1.result.unwrap().unwrap();
        let value = |run| {
            ToWorker::Value(Value {
                run,
                task: TaskId::new(0),
                content: Content::Whole(payload.clone()),
                sent: 0,
            })
        };
        // One of a run that is over, which must not be used, and one of the run to come.
        cluster.send(worker(1), ToWorker::End { run: 1 });
        cluster.send(worker(1), value(1));
        cluster.send(worker(1), value(2));
        send_steps(&mut *cluster, 1, 2, vec![step(definition, 1, &[])]);
        let (from, ended) = next(&mut *cluster);
        assert_eq!(
            (from, ended.run, ended.task),
            (worker(1), 2, TaskId::new(1))
        );
        assert!(ended.result.is_ok());
    });
}

#[test]
fn receive_ends_at_its_deadline_or_when_woken() {
    each("deadline", |mut cluster| {
        let before = Instant::now();
        assert!(cluster.receive(Some(Duration::from_millis(20))).is_none());
        assert!(before.elapsed() >= Duration::from_millis(20));
        let waker = cluster.waker();
        std::thread::spawn(waker);
        assert!(matches!(cluster.receive(None), Some(Event::Woken)));
    });
}

#[test]
fn worker_that_is_told_to_stop_exits_and_may_still_be_written_to() {
    each("stop", |mut cluster| {
        cluster.send(worker(1), ToWorker::Stop);
        let event = cluster.receive(None);
        let Some(Event::Exited(from, exit)) = event else {
            panic!("{event:?}")
        };
        assert_eq!((from, exit.signal, exit.code), (worker(1), None, Some(0)));
        cluster.send(worker(1), ToWorker::End { run: 1 });
        cluster.send(worker(1), ToWorker::Stop);
    });
}

#[test]
fn killed_worker_is_replaced_and_reached_by_the_others() {
    let _deadline = Deadline::seconds("replace", 60);
    let mut cluster = IpcCluster::start(2, None).unwrap();
    assert!(cluster.kill(worker(0)));
    let event = cluster.receive(None);
    let Some(Event::Exited(from, exit)) = event else {
        panic!("{event:?}")
    };
    assert_eq!((from, exit.signal, exit.code), (worker(0), Some(9), None));
    cluster.restart(worker(0)).unwrap();
    let graph = graph(&chain(2, 1_000), |_| (1.0, 0.0));
    let definition = graph.definition().unwrap();
    load(&mut cluster, definition);
    send_steps(&mut cluster, 0, 1, vec![step(definition, 1, &[])]);
    send_steps(&mut cluster, 1, 1, vec![step(definition, 0, &[0])]);
    // What two workers say may come in any order.
    for _ in 0..2 {
        let (from, ended) = next(&mut cluster);
        assert!(ended.result.is_ok());
        assert!(from != worker(1) || ended.peer_changes == 1);
    }
}

#[test]
fn worker_that_is_sent_garbage_ends_or_goes_on_and_calls_nothing() {
    let _deadline = Deadline::seconds("garbage", 120);
    let mut random = fastrand::Rng::with_seed(9);
    let mut cluster = IpcCluster::start(1, None).unwrap();
    let mut refused = 0;
    for _ in 0..100 {
        let length = random.usize(0..40);
        let bytes = (0..length).map(|_| random.u8(..)).collect();
        cluster.send_bytes(worker(0), bytes);
        cluster.send(worker(0), ToWorker::Stop);
        match cluster.receive(None) {
            Some(Event::Exited(_, exit)) => {
                assert!(matches!(exit.code, Some(0 | 101 | 103)), "{exit:?}");
                refused += usize::from(exit.code != Some(0));
            }
            other => panic!("the worker answered {other:?}"),
        }
        cluster.restart(worker(0)).unwrap();
    }
    assert!(refused > 50, "only {refused} were refused");
}
