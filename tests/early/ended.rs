//! Workers that end before they have said anything, under supervisors that ignore the end of children too.

use crate::constructor::{Early, ask, tidy};
use crate::isolated::isolated;
use crate::support::{descriptors, until, workers};
use ampeg::{Pool, graph};
use rustix::process::{WaitOptions, wait};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// All that must hold when workers end early; the same whoever reaps them.
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
    // Replacements end early: the run ends, and so does the next one.
    ask(Early::Exit);
    let graph = graph! { a = 1; crash: u64 = std::process::abort(); b = a + 1; };
    let outcome = pool.run(&graph).unwrap();
    assert!(outcome.crash.is_err());
    assert!(outcome.b.as_ref().map_or(true, |b| *b == 2));
    // It lacks a worker.
    assert!(pool.run(&graph).is_err() || pool.n_workers() == 2);
    tidy();
    assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
}

#[test]
fn worker_that_ends_before_it_connects_is_an_error() {
    isolated(check);
}

/// Runs a part of this test program, started by a shell after `before`.
fn part(before: &str, name: &str) {
    let script = format!("{before} exec \"$0\" --exact {name} --ignored --nocapture");
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    command.arg(std::env::current_exe().unwrap());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("1 passed"), "{out}\n{err}");
}

#[test]
fn workers_of_a_program_that_was_started_with_ends_of_children_ignored_are_seen_to_end() {
    isolated(|| part("trap '' CHLD;", "ended::ends_early"));
}

#[test]
#[ignore = "a part of the test of ignored ends of children, which runs it"]
fn ends_early() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    if ignored >> 16 & 1 == 0 {
        eprintln!("skipped: this shell cannot ignore SIGCHLD for what it starts");
        return;
    }
    check();
}

#[test]
fn workers_that_another_thread_reaps_are_seen_to_end() {
    isolated(|| {
        std::thread::spawn(|| {
            loop {
                // Whatever there is, and if there is nothing, a moment later.
                if !matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {
                    sleep(Duration::from_millis(1));
                }
            }
        });
        check();
    });
}
