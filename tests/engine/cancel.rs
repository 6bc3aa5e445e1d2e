//! A cancellation, a timeout and a dropped run keep all existing results, and have no effect after the end of a run.

use crate::isolated::isolated;
use crate::support::{Bell, by_hand, children, ring_and_hang, until};
use ampeg::{Pool, TaskError, TaskErrorKind, graph};
use std::net::SocketAddr;
use std::time::Duration;

/// The number of repetitions. A fault would lose a result only in some of them.
const TRIES: usize = 20;

fn is_cancelled<T: std::fmt::Debug>(result: &Result<T, TaskError>) -> bool {
    let root = result.as_ref().unwrap_err().root();
    *root.kind() == TaskErrorKind::Cancelled
}

fn is_out_of_time<T: std::fmt::Debug>(result: &Result<T, TaskError>) -> bool {
    is_cancelled(result) && result.as_ref().unwrap_err().run_timeout().is_some()
}

fn hang_after(bell: SocketAddr, _: u64) -> u64 {
    ring_and_hang(bell)
}

#[test]
fn cancel_keeps_the_result_that_a_running_task_uses() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { a = 1_u64; b = hang_after(address, a) @ 1 via 100; };
        for _ in 0..TRIES {
            let pool = Pool::new(2).unwrap();
            let run = pool.start(&graph).unwrap();
            bell.wait();
            run.cancel();
            let outcome = run.wait().unwrap();
            assert_eq!(outcome.a, Ok(1));
            assert!(is_cancelled(&outcome.b));
        }
    });
}

//   a     the tasks that use it are on both workers
//  ┌┴┐
//  b c
#[test]
fn cancel_keeps_the_result_that_tasks_of_all_workers_use() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! {
            a = 1_u64;
            b = hang_after(address, a) @ 100;
            c = hang_after(address, a) @ 100;
        };
        let pool = Pool::new(2).unwrap();
        for _ in 0..TRIES {
            let run = pool.start(&graph).unwrap();
            let _rung = [bell.wait(), bell.wait()];
            run.cancel();
            let outcome = run.wait().unwrap();
            assert_eq!(outcome.a, Ok(1));
            assert!(is_cancelled(&outcome.b) && is_cancelled(&outcome.c));
        }
    });
}

#[test]
fn cancel_keeps_many_results_of_several_workers() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let n = 200_u64;
        let graph = graph! {
            a[i in 0..n] = i;
            all: u64 = a.iter().sum();
            b[i in 0..3] = hang_after(address, all + i) @ 100_000;
            c[i in 0..3] = b[i] + 1;
        };
        for processes in [3, 4] {
            let pool = Pool::new(processes).unwrap();
            for _ in 0..TRIES / 2 {
                let run = pool.start(&graph).unwrap();
                let _rung = [bell.wait(), bell.wait(), bell.wait()];
                run.cancel();
                let outcome = run.wait().unwrap();
                assert!((0..).zip(&outcome.a).all(|(i, it)| *it == Ok(i)));
                assert_eq!(outcome.all, Ok(n * (n - 1) / 2));
                assert!(outcome.b.iter().chain(&outcome.c).all(is_cancelled));
            }
        }
    });
}

#[test]
fn cancel_keeps_results_on_threads() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { a = 1_u64; b = hang_after(address, a); c = b + 1; };
        for _ in 0..TRIES {
            let pool = Pool::builder().threads(2).build().unwrap();
            let run = pool.start(&graph).unwrap();
            bell.wait();
            run.cancel();
            let outcome = run.wait().unwrap();
            assert_eq!(outcome.a, Ok(1));
            assert!(is_cancelled(&outcome.b) && is_cancelled(&outcome.c));
            // The thread of the task never ends.
            std::mem::forget(pool);
        }
    });
}

#[test]
fn timeout_keeps_the_results_that_were_there() {
    isolated(|| {
        let graph_with = |bell: &Bell| {
            let address = bell.address();
            graph! { a = 1_u64; b = a + 1; c = hang_after(address, b); d = c + 1; }
        };
        let together = vec![vec!["a", "b", "c", "d"]];
        let crossing = vec![vec!["a", "c"], vec!["b", "d"]];
        let apart = vec![vec!["a", "b"], vec!["c", "d"]];
        for lists in [together, crossing, apart] {
            for _ in 0..5 {
                let bell = Bell::new();
                let pool = Pool::builder().processes(2);
                let pool = pool.timeout(Duration::from_millis(300)).build().unwrap();
                let graph = graph_with(&bell);
                let outcome = pool.run_schedule(&graph, &by_hand(&graph, &lists)).unwrap();
                assert!(is_out_of_time(&outcome.c) && is_out_of_time(&outcome.d));
                // On a busy machine, the run may time out before `c` begins.
                if bell.was_rung() {
                    assert_eq!((&outcome.a, &outcome.b), (&Ok(1), &Ok(2)));
                }
            }
        }
    });
}

#[test]
fn dropped_run_ends_its_tasks_and_not_its_pool() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph =
            graph! { a = 1_u64; b = hang_after(address, a) @ 9; c = hang_after(address, a) @ 9; };
        let pool = Pool::new(2).unwrap();
        for _ in 0..TRIES {
            let before = children();
            let run = pool.start(&graph).unwrap();
            let _rung = [bell.wait(), bell.wait()];
            drop(run);
            until(|| children().is_disjoint(&before));
            assert_eq!(pool.run(&graph! { x = 2; }).unwrap().x, Ok(2));
            let ids = crate::support::workers(&pool);
            assert_eq!(ids.len(), 2);
        }
    });
}

#[test]
fn handles_of_hundreds_of_ended_runs_can_be_dropped() {
    isolated(|| {
        for pool in [Pool::new(1), Pool::builder().threads(1).build()] {
            let pool = pool.unwrap();
            let graph = graph! { a = 1; };
            let runs: Vec<_> = (0..600).map(|_| pool.start(&graph).unwrap()).collect();
            until(|| runs.iter().all(ampeg::Run::is_finished));
            drop(runs);
            assert_eq!(pool.run(&graph).unwrap().a, Ok(1));
        }
    });
}

#[test]
fn run_can_be_cancelled_thousands_of_times() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in [Pool::new(1), Pool::new(3)] {
            let pool = pool.unwrap();
            let ended = pool.start(&graph! { a = 1; }).unwrap();
            until(|| ended.is_finished());
            for _ in 0..2_000 {
                ended.cancel();
            }
            assert_eq!(ended.wait().unwrap().a, Ok(1));
            // None of these calls cancels the next run.
            assert_eq!(pool.run(&graph! { b = 2; }).unwrap().b, Ok(2));
            let running = pool.start(&graph! { c = ring_and_hang(address); }).unwrap();
            bell.wait();
            for _ in 0..2_000 {
                running.cancel();
            }
            assert!(is_cancelled(&running.wait().unwrap().c));
            assert_eq!(pool.run(&graph! { d = 4; }).unwrap().d, Ok(4));
        }
    });
}
