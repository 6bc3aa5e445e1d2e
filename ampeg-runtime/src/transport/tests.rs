//! Tests of the contract of a transport, for each transport.

use super::ipc::IpcCluster;
use super::local::LocalCluster;
use crate::definition::Definition;
use crate::plan::Step;
use crate::plan::retry::Retry;
use crate::run::caller::Caller;
use crate::run::cluster::{Cluster, ClusterEvent};
use crate::run::message::{AttemptReport, Content, ToWorker, Value};
use crate::testing::{Action, Deadline, Node, graph};
use crate::transport::setup::Setup;
use crate::value::codec;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use std::time::Duration;
use std::time::Instant;

fn each(test: &'static str, check: impl Fn(Box<dyn Cluster>)) {
    let _deadline = Deadline::seconds(test, 120);
    check(Box::new(
        LocalCluster::start(2, Caller::default(), None, None).unwrap(),
    ));
    check(Box::new(IpcCluster::start(2, Setup::default()).unwrap()));
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
        for message in ToWorker::graph(definition, cluster.is_here()).unwrap() {
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

/// Begins a run of these steps on a worker.
fn begin(cluster: &mut dyn Cluster, to: usize, run: u64, steps: &[Step]) {
    let plan = ToWorker::Plan {
        steps: codec::encode_fields(steps).unwrap(),
        retry: Retry::default(),
    };
    cluster.send(worker(to), plan);
    cluster.send(worker(to), ToWorker::Begin { run, open: None });
}

/// The next `n` reports. The reports of one worker are in order.
fn reports(cluster: &mut dyn Cluster, n: usize) -> Vec<(ProcessorId, AttemptReport)> {
    let mut all = Vec::new();
    while all.len() < n {
        match cluster.receive(None) {
            Some(ClusterEvent::Reports(from, reports)) => {
                all.extend(reports.into_iter().map(|report| (from, report)));
            }
            other => panic!("expected the end of a task, found {other:?}"),
        }
    }
    assert_eq!(all.len(), n);
    all
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
        let steps: Vec<_> = (0..200).map(|task| step(definition, task, &[])).collect();
        begin(&mut *cluster, 0, 1, &steps);
        for (task, (from, report)) in reports(&mut *cluster, 200).into_iter().enumerate() {
            assert_eq!((from, report.task), (worker(0), TaskId::new(task)));
            assert!(report.result.is_ok());
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
            for here in [0, 1] {
                let steps = (here..6).step_by(2).map(|task| {
                    let there = [1 - here];
                    step(definition, task, if task < 5 { &there } else { &[] })
                });
                begin(&mut *cluster, here, 1, &steps.collect::<Vec<_>>());
            }
            for (from, report) in reports(&mut *cluster, 6) {
                assert_eq!(from, worker(report.task.index() % 2));
                assert!(report.result.unwrap().unwrap().len() >= size as u64);
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
        begin(&mut *cluster, 0, 1, &[step(definition, 0, &[])]);
        let (_, report) = reports(&mut *cluster, 1).remove(0);
        let payload: Payload = report.result.unwrap().unwrap();
        let value = |run| {
            ToWorker::Value(Value {
                run,
                task: TaskId::new(0),
                content: Content::Whole(payload.clone()),
                sent: 0,
            })
        };
        // A value of an ended run, which must not be used, and a value of the next run.
        cluster.send(worker(1), ToWorker::End { run: 1 });
        cluster.send(worker(1), value(1));
        cluster.send(worker(1), value(2));
        begin(&mut *cluster, 1, 2, &[step(definition, 1, &[])]);
        let (from, report) = reports(&mut *cluster, 1).remove(0);
        assert_eq!(
            (from, report.run, report.task),
            (worker(1), 2, TaskId::new(1))
        );
        assert!(report.result.is_ok());
    });
}

#[test]
fn receive_ends_at_its_deadline_or_when_woken() {
    each("deadline", |mut cluster| {
        let before = Instant::now();
        assert!(cluster.receive(Some(Duration::from_millis(20))).is_none());
        assert!(before.elapsed() >= Duration::from_millis(20));
        let waker = cluster.waker();
        // One wake-up event is enough for all calls before it is received.
        (0..10_000).for_each(|_| waker());
        assert!(matches!(cluster.receive(None), Some(ClusterEvent::Woken)));
        std::thread::spawn(waker);
        assert!(matches!(cluster.receive(None), Some(ClusterEvent::Woken)));
    });
}

#[test]
fn stopped_worker_exits_and_may_still_be_written_to() {
    each("stop", |mut cluster| {
        cluster.send(worker(1), ToWorker::Stop);
        let event = cluster.receive(None);
        let Some(ClusterEvent::Exited(from, exit)) = event else {
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
    let mut cluster = IpcCluster::start(2, Setup::default()).unwrap();
    assert!(cluster.kill(worker(0)));
    let event = cluster.receive(None);
    let Some(ClusterEvent::Exited(from, exit)) = event else {
        panic!("{event:?}")
    };
    assert_eq!((from, exit.signal, exit.code), (worker(0), Some(9), None));
    restart(&mut cluster, worker(0));
    let epoch = cluster.introduce(worker(0));
    assert_eq!(cluster.since(worker(0)), Some(epoch));
    let graph = graph(&chain(2, 1_000), |_| (1.0, 0.0));
    let definition = graph.definition().unwrap();
    load(&mut cluster, definition);
    begin(&mut cluster, 0, 1, &[step(definition, 1, &[])]);
    begin(&mut cluster, 1, 1, &[step(definition, 0, &[0])]);
    for (from, report) in reports(&mut cluster, 2) {
        assert!(report.result.is_ok());
        assert!(from != worker(1) || report.epoch == epoch);
    }
}

/// Starts a replacement of a worker that is gone, and waits until it is present.
fn restart(cluster: &mut IpcCluster, worker: ProcessorId) {
    assert_eq!(cluster.since(worker), None);
    Cluster::start(cluster, worker);
    let event = cluster.receive(None);
    assert!(
        matches!(event, Some(ClusterEvent::Joined(joined)) if joined == worker),
        "{event:?}"
    );
}

#[test]
fn worker_that_accepts_nothing_does_not_block_the_coordinator() {
    let _deadline = Deadline::seconds("backlog", 60);
    let mut cluster = IpcCluster::start(2, Setup::default()).unwrap();
    let signal = |cluster: &IpcCluster, signal| {
        let pid = i32::try_from(cluster.pid(worker(1)).unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    };
    signal(&cluster, rustix::process::Signal::STOP);
    // Far more than the buffer of a socket holds.
    for run in 0..10_000 {
        cluster.send(worker(1), ToWorker::End { run });
    }
    assert!(cluster.receive(Some(Duration::from_millis(20))).is_none());
    signal(&cluster, rustix::process::Signal::CONT);
    cluster.send(worker(1), ToWorker::Stop);
    let event = cluster.receive(None);
    assert!(
        matches!(event, Some(ClusterEvent::Exited(from, _)) if from == worker(1)),
        "{event:?}"
    );
}

#[test]
fn worker_that_receives_garbage_ends_or_continues_and_calls_nothing() {
    let _deadline = Deadline::seconds("garbage", 120);
    let mut random = fastrand::Rng::with_seed(9);
    let mut cluster = IpcCluster::start(1, Setup::default()).unwrap();
    let mut refused = 0;
    for _ in 0..100 {
        let length = random.usize(0..40);
        let bytes = (0..length).map(|_| random.u8(..)).collect();
        cluster.send_bytes(worker(0), bytes);
        cluster.send(worker(0), ToWorker::Stop);
        match cluster.receive(None) {
            Some(ClusterEvent::Exited(_, exit)) => {
                assert!(matches!(exit.code, Some(0 | 101 | 102 | 103)), "{exit:?}");
                refused += usize::from(exit.code != Some(0));
            }
            other => panic!("the worker answered {other:?}"),
        }
        restart(&mut cluster, worker(0));
        cluster.introduce(worker(0));
    }
    assert!(refused > 50, "only {refused} were refused");
}
