//! Whole runs, over every transport, compared with sequential evaluation.

use super::*;
use crate::base::failure::TaskErrorKind;
use crate::definition::Limits;
use crate::testing::{
    Action, Blobs, Deadline, Node, check, graph, random_costs, random_nodes, with_limits,
};
use ampeg_schedule::TaskId;

fn even(_: usize) -> (f64, f64) {
    (1.0, 0.0)
}

/// a → b → d, a → c → d, with `action` in b.
fn diamond(action: Action) -> Vec<Node> {
    let node = |parents: &[usize], action| Node {
        parents: parents.to_vec(),
        size: 10,
        action,
        output: true,
    };
    vec![
        node(&[], Action::Compute),
        node(&[0], action),
        node(&[0], Action::Compute),
        node(&[1, 2], Action::Compute),
    ]
}

fn kind(results: &Blobs, task: usize) -> TaskErrorKind {
    match &results[task] {
        Some(Err(error)) => error.kind().clone(),
        other => panic!("expected an error, found {other:?}"),
    }
}

fn run_timeout(results: &Blobs, task: usize) -> Option<Duration> {
    match &results[task] {
        Some(Err(error)) => error.run_timeout(),
        other => panic!("expected an error, found {other:?}"),
    }
}

#[test]
fn random_graphs_agree_with_sequential_evaluation_on_all_transports() {
    let _deadline = Deadline::seconds("random graphs", 300);
    let mut random = fastrand::Rng::with_seed(20_261);
    for workers in 1..=6 {
        let pools = [
            Pool::new(workers).unwrap(),
            Pool::builder().threads(workers).build().unwrap(),
        ];
        for round in 0..8 {
            let n_tasks = random.usize(0..30);
            let largest = [0, 1_000, 100_000, 5_000_000][round % 4];
            let nodes = random_nodes(&mut random, n_tasks, largest);
            let graph = graph(&nodes, random_costs(random.u64(..)));
            check(&nodes, &graph.run_inline().unwrap());
            for pool in &pools {
                let outcome = pool.run(&graph).unwrap();
                check(&nodes, &outcome);
                assert_eq!(outcome.report().attempts().len(), n_tasks);
            }
        }
    }
}

#[test]
fn plans_of_many_messages_keep_results_until_their_last_use() {
    let _deadline = Deadline::seconds("many steps", 120);
    // Each task needs the one before it and one far back, so that uses lie in different messages.
    let node = |task: usize| Node {
        parents: [task.checked_sub(1), task.checked_sub(600)]
            .into_iter()
            .flatten()
            .collect(),
        size: 3,
        action: Action::Compute,
        output: task % 100 == 99,
    };
    let nodes: Vec<_> = (0..2000).map(node).collect();
    for pool in [
        Pool::new(2).unwrap(),
        Pool::builder().threads(2).build().unwrap(),
    ] {
        for costs in [(1.0, 0.0), (0.0, 0.0)] {
            check(&nodes, &pool.run(&graph(&nodes, |_| costs)).unwrap());
        }
    }
}

#[test]
fn large_results_in_both_directions_at_once_do_not_deadlock() {
    let _deadline = Deadline::seconds("both directions", 120);
    // Two layers of tasks that all need all of the layer before: every worker sends to every other at once.
    let n = 6;
    let mut nodes = Vec::new();
    for layer in 0..4 {
        for _ in 0..n {
            let parents = if layer == 0 {
                vec![]
            } else {
                ((layer - 1) * n..layer * n).collect()
            };
            let (size, action) = (5_000_000 / (layer + 1), Action::Compute);
            nodes.push(Node {
                parents,
                size,
                action,
                output: layer == 3,
            });
        }
    }
    let graph = graph(&nodes, even);
    check(&nodes, &graph.run(3).unwrap());
}

#[test]
fn crash_costs_its_own_task_only() {
    let _deadline = Deadline::seconds("crash", 60);
    let pool = Pool::new(2).unwrap();
    for action in [Action::Abort, Action::Exit(3)] {
        let nodes = diamond(action.clone());
        let outcome = pool.run(&graph(&nodes, even)).unwrap();
        check(&nodes, &outcome);
        let (signal, exit_code) = match action {
            Action::Abort => (Some(6), None),
            _ => (None, Some(3)),
        };
        assert_eq!(
            kind(&outcome, 1),
            TaskErrorKind::Crashed {
                signal,
                exit_code,
                stderr: String::new(),
                panics: Vec::new(),
            }
        );
        assert_eq!(outcome.report().deaths().len(), 1);
        let Some(Err(error)) = &outcome[3] else {
            panic!()
        };
        assert!(matches!(
            error.kind(),
            TaskErrorKind::DependencyFailed { .. }
        ));
        assert_eq!(error.root().task(), "node1");
    }
    // The pool is whole again.
    let nodes = diamond(Action::Compute);
    check(&nodes, &pool.run(&graph(&nodes, even)).unwrap());
}

#[test]
fn task_that_closes_its_workers_descriptors_crashes_alone() {
    let _deadline = Deadline::seconds("closed descriptors", 60);
    let nodes = diamond(Action::CloseAll);
    let pool = Pool::new(2).unwrap();
    let outcome = pool.run(&graph(&nodes, even)).unwrap();
    check(&nodes, &outcome);
    // The worker ends when it first uses one of them: while the body runs, or when it has ended.
    let kind = kind(&outcome, 1);
    let is_right = matches!(
        kind,
        TaskErrorKind::NoWorker { .. } | TaskErrorKind::Crashed { .. }
    );
    assert!(is_right, "{kind:?}");
    let nodes = diamond(Action::Compute);
    check(&nodes, &pool.run(&graph(&nodes, even)).unwrap());
}

#[test]
fn attempts_wait_twice_as_long_each_time() {
    let _deadline = Deadline::seconds("backoff", 60);
    let nodes = diamond(Action::Fail);
    let retry = |task| Limits {
        within: None,
        retry: if task == 1 { 3 } else { 0 },
    };
    let backoff = Duration::from_millis(20);
    let pool = Pool::builder()
        .processes(1)
        .retry_backoff(backoff)
        .build()
        .unwrap();
    let outcome = pool.run(&with_limits(&nodes, even, retry)).unwrap();
    let attempts = outcome.report().attempts().iter();
    let attempts: Vec<_> = attempts
        .filter(|attempt| attempt.task == TaskId::new(1))
        .collect();
    assert_eq!(attempts.len(), 4);
    for (pair, wait) in attempts.windows(2).zip([1, 2, 4]) {
        assert!(pair[1].start >= pair[0].finish + backoff * wait);
    }
}

#[test]
fn crash_is_tried_again_as_often_as_told() {
    let _deadline = Deadline::seconds("retry", 60);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("once").to_str().unwrap().to_owned();
    let nodes = diamond(Action::AbortOnce(file));
    let retry = |_| Limits {
        within: None,
        retry: 1,
    };
    let outcome = with_limits(&nodes, even, retry).run(2).unwrap();
    check(&nodes, &outcome);
    assert_eq!(outcome.report().attempt(TaskId::new(1)).unwrap().number, 2);

    let nodes = diamond(Action::Abort);
    let outcome = with_limits(&nodes, even, retry).run(2).unwrap();
    check(&nodes, &outcome);
    let Some(Err(error)) = &outcome[1] else {
        panic!()
    };
    assert_eq!(error.attempt(), 2);
}

#[test]
fn task_that_exceeds_its_limit_is_killed_and_named() {
    let _deadline = Deadline::seconds("within", 60);
    let nodes = diamond(Action::Hang);
    let limit = Duration::from_millis(50);
    let limits = |task| Limits {
        within: (task == 1).then_some(limit),
        retry: 0,
    };
    let outcome = with_limits(&nodes, even, limits).run(2).unwrap();
    check(&nodes, &outcome);
    assert_eq!(kind(&outcome, 1), TaskErrorKind::TimedOut { limit });
}

#[test]
fn timeout_ends_a_run_and_keeps_what_exists() {
    let _deadline = Deadline::seconds("timeout", 60);
    let limit = Duration::from_millis(300);
    let pool = Pool::builder().processes(2).timeout(limit);
    let pool = pool.build().unwrap();
    let nodes = diamond(Action::Hang);
    let outcome = pool.run(&graph(&nodes, even)).unwrap();
    for task in [1, 3] {
        assert_eq!(kind(&outcome, task), TaskErrorKind::Cancelled);
        assert_eq!(run_timeout(&outcome, task), Some(limit));
    }
    assert!(matches!(outcome[0], Some(Ok(_))));
    assert!(matches!(outcome[2], Some(Ok(_))));
    let nodes = diamond(Action::Compute);
    check(&nodes, &pool.run(&graph(&nodes, even)).unwrap());
}

#[test]
fn run_that_is_out_of_time_before_its_turn_says_so() {
    let _deadline = Deadline::seconds("out of turn", 60);
    let limit = Duration::from_millis(200);
    let pool = Pool::builder().threads(1).timeout(limit).build().unwrap();
    let hanging = [Node {
        action: Action::Take(3 * limit),
        ..diamond(Action::Compute)[0].clone()
    }];
    let hanging = graph(&hanging, even);
    let runs = [(); 2].map(|()| pool.start(&hanging).unwrap());
    let [_, second] = runs.map(|run| run.wait().unwrap());
    assert_eq!(run_timeout(&second, 0), Some(limit));
}

#[test]
fn cancelled_and_dropped_runs_leave_the_pool_usable() {
    let _deadline = Deadline::seconds("cancel", 60);
    let pool = Pool::new(2).unwrap();
    let hanging = graph(&diamond(Action::Hang), even);
    let run = pool.start(&hanging).unwrap();
    assert!(!run.is_finished());
    run.cancel();
    let outcome = run.wait().unwrap();
    assert_eq!(kind(&outcome, 1), TaskErrorKind::Cancelled);
    drop(pool.start(&hanging).unwrap());
    let nodes = diamond(Action::Compute);
    check(
        &nodes,
        &pool.start(&graph(&nodes, even)).unwrap().wait().unwrap(),
    );
}

#[test]
fn failures_and_panics_are_values() {
    let _deadline = Deadline::seconds("failures", 60);
    for action in [Action::Fail, Action::Panic] {
        let nodes = diamond(action.clone());
        let graph = graph(&nodes, even);
        let outcome = graph.run(2).unwrap();
        check(&nodes, &outcome);
        assert_eq!(kind(&outcome, 1), kind(&graph.run_inline().unwrap(), 1));
        match kind(&outcome, 1) {
            TaskErrorKind::Failed { message, .. } => assert_eq!(message, "told to fail"),
            TaskErrorKind::Panicked { message, location } => {
                assert_eq!(message, "told to panic");
                assert!(location.unwrap().contains("testing/mod.rs"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn runs_on_nothing_and_of_nothing_are_clear() {
    let _deadline = Deadline::seconds("nothing", 60);
    let nodes = diamond(Action::Compute);
    let error = graph(&nodes, even).run(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a graph cannot be run on 0 processes: give at least 1"
    );
    assert!(Pool::builder().threads(0).build().is_err());
    assert!(graph(&[], even).run(3).unwrap().is_empty());
    assert!(
        Pool::new(2)
            .unwrap()
            .run(&graph(&[], even))
            .unwrap()
            .is_empty()
    );
    check(&nodes, &graph(&nodes, even).run(9).unwrap());
}

#[test]
fn several_threads_share_one_pool() {
    let _deadline = Deadline::seconds("threads", 120);
    let pool = Pool::new(2).unwrap();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let pool = pool.clone();
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..5 {
                    let nodes = random_nodes(&mut random, 12, 100_000);
                    check(
                        &nodes,
                        &pool.run(&graph(&nodes, random_costs(seed))).unwrap(),
                    );
                }
            });
        }
    });
}

#[test]
fn run_that_waits_for_its_turn_ends_at_once() {
    let _deadline = Deadline::seconds("waiting", 60);
    let pool = Pool::new(1).unwrap();
    let under_way = pool.start(&graph(&diamond(Action::Hang), even)).unwrap();
    let nodes = diamond(Action::Compute);
    let other = graph(&nodes, even);
    let [cancelled, dropped, last] = [(); 3].map(|()| pool.start(&other).unwrap());
    cancelled.cancel();
    let outcome = cancelled.wait().unwrap();
    for task in 0..nodes.len() {
        assert_eq!(kind(&outcome, task), TaskErrorKind::Cancelled);
    }
    let report = outcome.report();
    assert!(report.attempts().is_empty() && report.deaths().is_empty());
    assert_eq!(report.duration(), Duration::ZERO);
    drop(dropped);
    assert!(!under_way.is_finished() && !last.is_finished());
    under_way.cancel();
    assert!(under_way.wait().unwrap().report().deaths().len() <= 1);
    check(&nodes, &last.wait().unwrap());
}

#[test]
fn runs_that_are_over_are_cancelled_and_dropped_for_nothing() {
    let _deadline = Deadline::seconds("many cancels", 120);
    let nodes = diamond(Action::Compute);
    let graph = graph(&nodes, even);
    for pool in [
        Pool::new(1).unwrap(),
        Pool::builder().threads(1).build().unwrap(),
    ] {
        let runs: Vec<_> = (0..400).map(|_| pool.start(&graph).unwrap()).collect();
        for run in &runs {
            while !run.is_finished() {
                std::thread::yield_now();
            }
            run.cancel();
        }
        drop(runs);
        check(&nodes, &pool.run(&graph).unwrap());
    }
}

#[test]
fn run_may_be_cancelled_a_million_times() {
    let _deadline = Deadline::seconds("a million", 60);
    let pool = Pool::new(1).unwrap();
    let run = pool.start(&graph(&diamond(Action::Hang), even)).unwrap();
    for _ in 0..1_000_000 {
        run.cancel();
    }
    assert_eq!(kind(&run.wait().unwrap(), 1), TaskErrorKind::Cancelled);
    let nodes = diamond(Action::Compute);
    check(&nodes, &pool.run(&graph(&nodes, even)).unwrap());
}

#[test]
fn more_workers_than_there_can_be_are_refused() {
    let graph = graph(&diamond(Action::Compute), even);
    for n in [builder::MOST_WORKERS + 1, usize::MAX] {
        for settings in [Pool::builder().processes(n), Pool::builder().threads(n)] {
            let error = settings.build().unwrap_err().to_string();
            let start = format!("a pool cannot have {n} workers, but at most 65536");
            assert!(error.starts_with(&start), "{error}");
        }
    }
    let endless = Pool::builder()
        .processes(2)
        .speeds(std::iter::repeat(1.0))
        .build();
    assert!(endless.is_err());
    assert!(graph.schedule(usize::MAX).is_err());
}
