//! Starts of workers while other code kills them or starts its own processes.

use crate::isolated::isolated;
use crate::support::{Scratch, beside, children, descriptors, signal, until, workers};
use ampeg::{Pool, graph};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, yield_now};
use std::time::Duration;

/// Calls `work`, and kills the first `times` processes that it starts, as soon as they are seen.
fn while_new_are_killed<T>(times: usize, work: impl FnOnce() -> T) -> T {
    let mut seen = children();
    let kill = |done: &AtomicBool| {
        let mut left = times;
        while left > 0 && !done.load(Ordering::SeqCst) {
            let new = children().difference(&seen).next().copied();
            if let Some(new) = new {
                signal(new, Signal::KILL);
                seen.insert(new);
                left -= 1;
            }
            yield_now();
        }
    };
    beside(kill, work)
}

#[test]
fn replacement_that_is_killed_at_its_start_costs_no_task() {
    isolated(|| {
        for (processes, times) in [(2, 1), (2, 2), (3, 4), (1, 2)] {
            let scratch = Scratch::new();
            let marker = scratch.file("marker");
            let pool = Pool::new(processes).unwrap();
            workers(&pool);
            let before = descriptors();
            let graph = graph! {
                x[i in 0..10_u64] = {
                    sleep(Duration::from_millis(20));
                    if i == 0 && File::create_new(&marker).is_ok() { std::process::abort() }
                    i
                } retry 99;
            };
            let outcome = while_new_are_killed(times, || pool.run(&graph).unwrap());
            assert!((0..).zip(&outcome.x).all(|(i, it)| *it == Ok(i)));
            let ids: BTreeSet<_> = workers(&pool).into_iter().collect();
            assert_eq!(ids.len(), processes);
            until(|| descriptors() <= before);
        }
    });
}

#[test]
fn worker_that_is_killed_at_its_start_is_an_error_or_tried_again() {
    isolated(|| {
        drop(Pool::new(1).unwrap());
        let before = descriptors();
        for times in [1, 2, 1, 2] {
            match while_new_are_killed(times, || Pool::new(2)) {
                // If the worker is killed a little later, it dies like any other worker.
                Ok(pool) => assert_eq!(pool.run(&graph! { a = 1 retry 9; }).unwrap().a, Ok(1)),
                Err(error) => assert!(!error.to_string().contains("`main`"), "{error}"),
            }
            until(|| children().is_empty());
        }
        until(|| descriptors() <= before);
        assert_eq!(Pool::new(2).unwrap().n_workers(), 2);
    });
}

#[test]
fn nothing_appears_in_the_folder_for_temporary_files() {
    isolated(|| {
        let mut seen = Vec::new();
        let look = |done: &AtomicBool| {
            while !done.load(Ordering::SeqCst) {
                seen.extend(fs::read_dir(std::env::temp_dir()).unwrap().flatten());
            }
        };
        beside(look, || {
            for _ in 0..40 {
                let pool = Pool::new(2).unwrap();
                let graph = graph! { a = 1; crash: u64 = std::process::abort(); };
                assert_eq!(pool.run(&graph).unwrap().a, Ok(1));
            }
        });
        assert!(seen.is_empty(), "{seen:?}");
    });
}

/// The number of sockets in a new child of this process.
fn sockets_of_a_child() -> usize {
    let mut command = Command::new("ls");
    let output = command.args(["-l", "/proc/self/fd"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .matches("socket:")
        .count()
}

#[test]
fn children_of_the_program_inherit_no_socket_of_a_pool() {
    isolated(|| {
        let before = sockets_of_a_child();
        let pools = |done: &AtomicBool| {
            while !done.load(Ordering::SeqCst) {
                drop(Pool::new(3).unwrap());
            }
        };
        let look = || {
            for _ in 0..150 {
                assert_eq!(sockets_of_a_child(), before);
            }
        };
        beside(pools, || beside(pools, look));
    });
}

#[test]
fn children_of_tasks_inherit_no_socket_of_a_pool() {
    isolated(|| {
        let before = sockets_of_a_child();
        let pool = Pool::new(2).unwrap();
        let graph = graph! {
            x[i in 0..6] = sockets_of_a_child();
            crash: u64 = std::process::abort();
            y[i in 0..6] = sockets_of_a_child() + x[5 - i];
        };
        let outcome = pool.run(&graph).unwrap();
        assert!(
            outcome.x.iter().all(|it| *it == Ok(before)),
            "{:?}",
            outcome.x
        );
        assert!(outcome.y.iter().all(|it| *it == Ok(2 * before)));
    });
}
