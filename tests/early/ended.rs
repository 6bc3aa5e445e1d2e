//! Workers that end before they connect, in programs that ignore the end of their children or reap their children.

use crate::constructor::{Early, ask, ignore_children, tidy};
use crate::isolated::isolated;
use crate::support::{descriptors, until, workers};
use ampeg::{Pool, graph};
use rustix::process::{WaitOptions, wait};
use std::thread::sleep;
use std::time::Duration;

/// Checks runs and pools whose workers end early. The results do not depend on who reaps the workers.
fn check() {
    let before = descriptors();
    for early in [Early::Exit, Early::Abort] {
        ask(early);
        for processes in [1, 2, 3] {
            let error = Pool::new(processes).unwrap_err().to_string();
            assert!(error.contains("could not be started"), "{error}");
        }
    }
    until(|| descriptors() <= before);
    tidy();
    let pool = Pool::new(2).unwrap();
    assert_eq!(workers(&pool).len(), 2);
    for retry in [0, 3] {
        let graph = graph! {
            ask = { sleep(Duration::from_millis(1)); 1 };
            crash: u64 = std::process::abort() retry retry;
            free[i in 0..10_u64] = ask + i;
        };
        let outcome = pool.run(&graph).unwrap();
        assert!(outcome.crash.is_err());
        assert!((1..).zip(&outcome.free).all(|(i, it)| *it == Ok(i)));
    }
    assert_eq!(workers(&pool).len(), 2);
    // Replacements end early, but this run and the next one end.
    ask(Early::Exit);
    let graph = graph! { a = 1; crash: u64 = std::process::abort(); b = a + 1; };
    let outcome = pool.run(&graph).unwrap();
    assert!(outcome.crash.is_err());
    assert!(outcome.b.as_ref().map_or(true, |b| *b == 2));
    // The pool lacks a worker.
    assert!(pool.run(&graph).is_err() || pool.n_workers() == 2);
    tidy();
    assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
}

#[test]
fn worker_that_ends_before_it_connects_is_an_error() {
    isolated(check);
}

#[test]
fn workers_of_a_program_that_ignores_the_end_of_children_are_seen_to_end() {
    isolated(|| {
        ignore_children();
        check();
    });
}

#[test]
fn workers_that_another_thread_reaps_are_seen_to_end() {
    isolated(|| {
        std::thread::spawn(|| {
            loop {
                // Reaps any child. If no child has ended, waits a moment.
                if !matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {
                    sleep(Duration::from_millis(1));
                }
            }
        });
        check();
    });
}
