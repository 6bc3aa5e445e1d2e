//! Workers that take long to start do not delay other work.
//!
//! The workers wait until `tidy` lets them continue. Most of these tests call `tidy` at their end.

use crate::constructor::{Early, ask, tidy, waiting};
use crate::isolated::isolated;
use crate::support::{Bell, by_hand, children, kill, ring, until, workers};
use ampeg::{Pool, PoolBuilder, TaskErrorKind, graph};
use std::net::SocketAddr;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Longer than any action that does not wait for a worker, and shorter than the time limit for the start of a worker.
const MOMENTS: Duration = Duration::from_secs(10);

/// Checks that `work` does not wait for the start of a worker.
fn in_moments<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < MOMENTS, "{:?}", start.elapsed());
    result
}

/// A pool with workers that run. Their replacements wait at their start.
fn pool(builder: PoolBuilder) -> Pool {
    tidy();
    let pool = builder.build().unwrap();
    workers(&pool);
    ask(Early::Wait);
    pool
}

fn crash() -> u64 {
    std::process::abort()
}

fn hang() -> u64 {
    sleep(Duration::from_secs(3600));
    0
}

#[test]
fn timeout_is_enforced_while_a_replacement_starts() {
    isolated(|| {
        let builder = Pool::builder().processes(2);
        let pool = pool(builder.timeout(Duration::from_millis(500)));
        let graph = graph! { bad = crash(); long = hang(); };
        let outcome = in_moments(|| pool.run(&graph).unwrap());
        assert!(outcome.bad.is_err() && outcome.long.is_err());
        drop(pool);
        tidy();
    });
}

#[test]
fn run_is_cancelled_while_a_replacement_starts() {
    isolated(|| {
        let pool = pool(Pool::builder().processes(2));
        let graph = graph! { bad = crash() retry 3; long = hang(); };
        let run = pool.start(&graph).unwrap();
        until(|| waiting() > 0);
        let outcome = in_moments(|| {
            run.cancel();
            run.wait().unwrap()
        });
        let kind = outcome.long.as_ref().unwrap_err().kind();
        assert_eq!(*kind, TaskErrorKind::Cancelled);
        in_moments(|| drop(pool));
        tidy();
    });
}

#[test]
fn replacements_that_cancels_kill_are_no_failed_starts() {
    isolated(|| {
        let pool = pool(Pool::builder().processes(1));
        let graph = graph! { bad = crash() retry 3; };
        for n in 1..=4 {
            let run = pool.start(&graph).unwrap();
            until(|| waiting() >= n);
            run.cancel();
            let error = run.wait().unwrap().bad.unwrap_err();
            assert_eq!(*error.kind(), TaskErrorKind::Cancelled, "{error}");
        }
        tidy();
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
    });
}

#[test]
fn run_with_nothing_left_to_do_ends_while_a_replacement_starts() {
    isolated(|| {
        let pool = pool(Pool::builder().processes(2));
        let outcome = in_moments(|| pool.run(&graph! { bad = crash(); good = 1; }).unwrap());
        assert!(outcome.bad.is_err());
        // The tasks have different workers, so `good` does not wait for the replacement.
        assert_eq!(outcome.good, Ok(1));
        tidy();
        assert_eq!(workers(&pool).len(), 2);
    });
}

/// The living worker runs tasks one after another, each within its limit, while the other worker is replaced.
#[test]
fn limits_are_enforced_while_a_replacement_starts() {
    isolated(|| {
        let limit = Duration::from_secs(2);
        let pool = pool(Pool::builder().processes(2));
        let graph = graph! {
            bad = crash();
            x[0] = 0_u64;
            x[i in 1..30] = { sleep(Duration::from_millis(100)); x[i - 1] + 1 } within limit;
            pub long = { if x[29] > 0 { hang(); } 1 } within limit;
            pub last = x[29];
            pub failed = bad;
        };
        let names: Vec<_> = (0..30).map(|i| format!("x[{i}]")).collect();
        let chain = names.iter().map(String::as_str);
        let lists = [
            vec!["bad", "failed"],
            chain.chain(["last", "long"]).collect(),
        ];
        let schedule = by_hand(&graph, &lists);
        let start = Instant::now();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        assert!(start.elapsed() < 2 * MOMENTS);
        assert!(outcome.failed.is_err());
        assert_eq!(outcome.last, Ok(29));
        let kind = outcome.long.as_ref().unwrap_err().kind();
        assert_eq!(*kind, TaskErrorKind::TimedOut { limit });
        drop(pool);
        tidy();
    });
}

#[test]
fn replacements_of_several_workers_start_in_parallel() {
    isolated(|| {
        for processes in [2, 4] {
            let pool = pool(Pool::builder().processes(processes));
            // A worker without open tasks is replaced only in the next run, so each worker has a second task.
            let graph = graph! { bad[i in 0..processes] = crash(); after[i in 0..processes] = i; };
            let names = |i| [format!("bad[{i}]"), format!("after[{i}]")];
            let names: Vec<_> = (0..processes).map(names).collect();
            let lists = names
                .iter()
                .map(|names| names.iter().map(String::as_str).collect());
            let schedule = by_hand(&graph, &lists.collect::<Vec<Vec<_>>>());
            scope(|scope| {
                let run = scope.spawn(|| pool.run_schedule(&graph, &schedule).unwrap());
                // If the replacements do not all wait at the same time, the deadline ends this test.
                until(|| waiting() >= processes);
                tidy();
                let outcome = run.join().unwrap();
                assert!(outcome.bad.iter().all(Result::is_err));
                assert!(outcome.after.iter().all(Result::is_ok));
            });
            assert_eq!(workers(&pool).len(), processes);
        }
    });
}

fn ring_after(bell: SocketAddr, n: u64) -> u64 {
    ring(bell);
    n + 1
}

/// Results are sent from one living worker to another while a third one is replaced.
#[test]
fn other_workers_continue_while_a_replacement_starts() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let pool = pool(Pool::builder().processes(3));
        let graph = graph! {
            bad = crash() retry 2;
            x[0] = { until(|| waiting() > 0); 0_u64 };
            x[i in 1..20] = x[i - 1] + 1;
            pub last = ring_after(address, x[19]);
            pub failed = bad;
        };
        let names: Vec<_> = (0..20).map(|i| format!("x[{i}]")).collect();
        let of = |parity| names.iter().skip(parity).step_by(2).map(String::as_str);
        let lists = [
            vec!["bad", "failed"],
            of(0).collect(),
            of(1).chain(["last"]).collect(),
        ];
        let schedule = by_hand(&graph, &lists);
        scope(|scope| {
            scope.spawn(|| {
                bell.wait();
                assert_eq!(waiting(), 1);
                tidy();
            });
            let outcome = pool.run_schedule(&graph, &schedule).unwrap();
            assert_eq!(outcome.last, Ok(20));
            assert_eq!(outcome.failed.as_ref().unwrap_err().root().attempt(), 3);
        });
    });
}

#[test]
fn replacement_that_is_killed_while_it_starts_is_replaced() {
    isolated(|| {
        let pool = pool(Pool::builder().processes(2));
        let old = children();
        let n = 10_u64;
        let graph = graph! { bad = crash(); x[i in 0..n] = i retry 9; };
        scope(|scope| {
            scope.spawn(|| {
                until(|| waiting() > 0);
                ask(Early::Nothing);
                children().difference(&old).copied().for_each(kill);
            });
            let outcome = pool.run(&graph).unwrap();
            assert!((0..n).zip(&outcome.x).all(|(i, it)| *it == Ok(i)));
        });
        tidy();
        assert_eq!(workers(&pool).len(), 2);
    });
}
