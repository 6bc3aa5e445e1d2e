//! Remaining work of an ended run does not affect other runs.

use crate::isolated::isolated;
use crate::support::{Bell, HOUR, Scratch, by_hand, count, ring_and_wait};
use ampeg::{Outcome, Pool, PoolBuilder, TaskError, graph};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

fn ms(time: u64) {
    sleep(Duration::from_millis(time));
}

/// Checks that a report names only tasks of its own graph, each at most once, and can be printed.
fn check_report(outcome: &impl Outcome, run: usize) {
    let report = outcome.report();
    let n = report.task_graph().n_tasks();
    let mut seen = vec![0; n];
    for attempt in report.attempts() {
        assert!(attempt.task.index() < n, "run {run}: {attempt:?}");
        seen[attempt.task.index()] += 1;
        assert_eq!(attempt.number, 1, "run {run}: {attempt:?}");
    }
    assert!(seen.iter().all(|&n| n <= 1), "run {run}: {seen:?}");
    assert!(!report.to_string().is_empty());
    let _ = report.measured_costs();
}

#[test]
fn run_that_timed_out_on_threads_leaves_the_report_of_the_next_alone() {
    isolated(|| {
        let pool = Pool::builder().threads(2);
        timed_out_then(&pool.timeout(Duration::from_millis(50)).build().unwrap());
    });
}

#[test]
fn run_that_timed_out_on_processes_leaves_the_report_of_the_next_alone() {
    isolated(|| {
        let pool = Pool::builder().processes(2);
        timed_out_then(&pool.timeout(Duration::from_millis(50)).build().unwrap());
    });
}

/// Runs a graph that times out and then another one. The first is larger or smaller than the second, with and without
/// limits.
fn timed_out_then(pool: &Pool) {
    for (run, n) in [9_usize, 2, 30].into_iter().enumerate() {
        let limit = Duration::from_secs(60);
        let _ = pool
            .run(&graph! { x[i in 0..n] = ms(45 + i as u64); })
            .unwrap();
        let small = graph! { a = 1; b = { ms(40); a + 1 }; };
        check_small(&pool.run(&small).unwrap().b, 2);
        let _ = pool
            .run(&graph! { x[i in 0..n] = ms(45 + i as u64) within limit; })
            .unwrap();
        let outcome = pool.run(&small).unwrap();
        check_report(&outcome, run);
        check_small(&outcome.b, 2);
        let other = graph! { y[i in 0..12] = { ms(5); i } within limit retry 1; };
        check_report(&pool.run(&other).unwrap(), run);
    }
}

/// Checks that a result is right or timed out, since the timeout is short.
fn check_small(result: &Result<i32, TaskError>, expected: i32) {
    match result {
        Ok(value) => assert_eq!(*value, expected),
        Err(error) => assert!(error.root().run_timeout().is_some(), "{error}"),
    }
}

fn wait_at(bell: SocketAddr) -> u64 {
    ring_and_wait(bell);
    7
}

/// Cancels a run, starts another one while tasks of the first are still running, and lets these tasks end during the
/// second run.
fn cancelled_then(builder: PoolBuilder) {
    let pool = builder.build().unwrap();
    let (bell, limit) = (Bell::new(), Duration::from_secs(60));
    let address = bell.address();
    for n in [2_usize, 9] {
        let first = graph! {
            x[i in 0..n] = wait_at(address) within limit;
            y[i in 0..n] = x[i] + 1 within limit;
        };
        let run = pool.start(&first).unwrap();
        let held = [bell.wait(), bell.wait()];
        run.cancel();
        let second = graph! { a = 1; b = { ms(40); a + 1 }; c = b + 1; };
        let second_run = pool.start(&second).unwrap();
        ms(10);
        drop(held);
        let outcome = run.wait().unwrap();
        assert!(outcome.y.iter().all(Result::is_err));
        let outcome = second_run.wait().unwrap();
        assert_eq!((&outcome.b, &outcome.c), (&Ok(2), &Ok(3)));
        assert_eq!(outcome.report().attempts().len(), 3);
        check_report(&outcome, n);
    }
}

#[test]
fn run_that_was_cancelled_on_threads_leaves_the_next_alone() {
    isolated(|| cancelled_then(Pool::builder().threads(2)));
}

#[test]
fn run_that_was_cancelled_on_processes_leaves_the_next_alone() {
    isolated(|| cancelled_then(Pool::builder().processes(2)));
}

fn measure(outcome: &impl Outcome) -> usize {
    outcome.report().attempts().len()
}

#[test]
fn costs_are_measured_of_the_own_run_only() {
    isolated(|| {
        let pool = Pool::builder().threads(2).build().unwrap();
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { a = wait_at(address); b = wait_at(address); };
        let run = pool.start(&graph).unwrap();
        let held = [bell.wait(), bell.wait()];
        run.cancel();
        // The same graph is run again, so its tasks have the same numbers.
        let again = pool.start(&graph).unwrap();
        drop(held);
        let held = [bell.wait(), bell.wait()];
        drop(held);
        let _ = run.wait().unwrap();
        let outcome = again.wait().unwrap();
        assert_eq!((&outcome.a, &outcome.b), (&Ok(7), &Ok(7)));
        assert_eq!(measure(&outcome), 2);
    });
}

/// The end of the second call of a task. The second call begins when the run is nearly over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum End {
    Aborts,
    Panics,
    Hangs,
}

fn late(calls: &Path, end: End) -> u64 {
    ms(200);
    if count(calls) > 1 {
        match end {
            End::Aborts => std::process::abort(),
            End::Panics => panic!("late"),
            End::Hangs => sleep(HOUR),
        }
    }
    1
}

/// Checks that a recomputation that ends after its run does not affect the next run.
fn late_end(pool: &Pool, end: End) {
    let scratch = Scratch::new();
    let (a_calls, k_calls) = (scratch.file("a"), scratch.file("k"));
    let graph = graph! {
        a = late(&a_calls, end);
        f: u64 = { ms(if a > 0 { 100 } else { 0 }); Err("late")? };
        k = { if count(&k_calls) < 2 { ms(250); std::process::abort() } 1 } retry 1;
        pub b = a + f + k;
    };
    let apart = by_hand(&graph, &[vec!["a", "f"], vec!["k", "b"]]);
    let outcome = pool.run_schedule(&graph, &apart).unwrap();
    let root = outcome.b.as_ref().unwrap_err().root();
    assert!(["f", "a"].contains(&root.task()), "{root}");
    let graph = graph! { pub innocent = 1; pub y = { ms(300); 2 }; };
    let apart = by_hand(&graph, &[vec!["y"], vec!["innocent"]]);
    let outcome = pool.run_schedule(&graph, &apart).unwrap();
    assert_eq!((&outcome.innocent, &outcome.y), (&Ok(1), &Ok(2)));
    check_report(&outcome, 0);
}

#[test]
fn recomputation_that_outlives_its_run_blames_no_task_of_the_next() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        for end in [End::Aborts, End::Panics, End::Hangs] {
            late_end(&pool, end);
        }
    });
}
