//! Runs that wait for their turn on a busy pool: they are cancelled, dropped and timed out at once.

use crate::isolated::isolated;
use crate::support::{Bell, ring_and_wait};
use ampeg::{Error, Outcome, Pool, Run, TaskErrorKind, graph};
use std::net::SocketAddr;
use std::thread::scope;
use std::time::Duration;

fn wait_at(bell: SocketAddr) -> u64 {
    ring_and_wait(bell);
    7
}

/// Whether a run was cancelled: it returned an error, or an outcome of cancelled tasks.
fn is_cancelled(result: Result<impl Outcome, Error>) -> bool {
    match result {
        Ok(outcome) => outcome
            .into_values()
            .is_err_and(|error| *error.root().kind() == TaskErrorKind::Cancelled),
        Err(error) => error.to_string().contains("cancelled"),
    }
}

fn is_out_of_time(result: Result<impl Outcome, Error>) -> bool {
    let error = result.unwrap().into_values().err().unwrap();
    *error.kind() == TaskErrorKind::Cancelled && error.run_timeout().is_some()
}

/// Pools of processes and of threads.
fn pools() -> [Pool; 3] {
    let threads = Pool::builder().threads(1).build();
    [Pool::new(1), Pool::new(2), threads].map(Result::unwrap)
}

#[test]
fn waiting_run_is_cancelled_while_the_run_before_goes_on() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in pools() {
            let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
            let held = bell.wait();
            let second = pool.start(&graph! { b = 1; c = b + 1; }).unwrap();
            second.cancel();
            assert!(is_cancelled(second.wait()));
            assert!(!first.is_finished());
            drop(held);
            assert_eq!(first.wait().unwrap().a, Ok(7));
            assert_eq!(pool.run(&graph! { d = 4; }).unwrap().d, Ok(4));
        }
    });
}

#[test]
fn waiting_run_is_dropped_while_the_run_before_goes_on() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in pools() {
            let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
            let held = bell.wait();
            drop(pool.start(&graph! { b = 1; c = b + 1; }).unwrap());
            assert!(!first.is_finished());
            drop(held);
            assert_eq!(first.wait().unwrap().a, Ok(7));
        }
    });
}

#[test]
fn some_of_many_waiting_runs_may_be_cancelled() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in pools() {
            let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
            let held = bell.wait();
            let start = |n: u64| pool.start(&graph! { b = n; c = b + 1; }).unwrap();
            let (gone, kept): (Vec<_>, Vec<_>) =
                (0..60).map(|n| (n, start(n))).partition(|it| it.0 % 3 == 0);
            for (_, run) in &gone {
                run.cancel();
            }
            assert!(gone.into_iter().all(|(_, run)| is_cancelled(run.wait())));
            drop(held);
            assert_eq!(first.wait().unwrap().a, Ok(7));
            for (n, run) in kept {
                assert_eq!(run.wait().unwrap().c, Ok(n + 1));
            }
        }
    });
}

#[test]
fn waiting_run_is_timed_out_while_a_task_of_the_run_before_goes_on() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        // A task on a thread cannot be ended, so its worker stays busy.
        let pool = Pool::builder().threads(1).timeout(Duration::from_secs(1));
        let pool = pool.build().unwrap();
        let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
        let held = bell.wait();
        let second = pool.start(&graph! { b = 1; c = b + 1; }).unwrap();
        assert!(is_out_of_time(second.wait()));
        assert!(is_out_of_time(first.wait()));
        drop(held);
    });
}

#[test]
fn runs_that_wait_with_a_timeout_all_end() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let pool = Pool::builder().processes(2).timeout(Duration::from_secs(1));
        let pool = pool.build().unwrap();
        let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
        let _held = bell.wait();
        let waiting: Vec<Run<_>> = (0..5)
            .map(|_| pool.start(&graph! { b = 1; c = b + 1; }).unwrap())
            .collect();
        assert!(is_out_of_time(first.wait()));
        for run in waiting {
            // A run that starts before its timeout may succeed.
            match run.wait() {
                Ok(outcome) if outcome.c == Ok(2) => {}
                other => assert!(is_out_of_time(other)),
            }
        }
    });
}

#[test]
fn run_that_waits_in_the_calling_thread_takes_its_turn() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in pools() {
            scope(|scope| {
                let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
                let held = bell.wait();
                let second =
                    scope.spawn(|| pool.run(&graph! { b = 1; c = b + 1; }).unwrap().c.clone());
                drop(held);
                assert_eq!(first.wait().unwrap().a, Ok(7));
                assert_eq!(second.join().unwrap(), Ok(2));
            });
        }
    });
}

#[test]
fn cancel_of_the_first_run_lets_the_next_one_begin() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        for pool in [Pool::new(1), Pool::new(3)] {
            let pool = pool.unwrap();
            for _ in 0..5 {
                let first = pool.start(&graph! { a = wait_at(address); }).unwrap();
                let _held = bell.wait();
                let second = pool.start(&graph! { b = 1; c = b + 1; }).unwrap();
                first.cancel();
                assert_eq!(second.wait().unwrap().c, Ok(2));
                assert!(is_cancelled(first.wait()));
            }
        }
    });
}
