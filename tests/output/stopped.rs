//! The time during which the whole program is stopped, as by Ctrl-Z, does not count for limits.

use crate::isolated::isolated;
use crate::support::{Bell, ring_and_wait};
use ampeg::{Pool, graph};
use rustix::process::{getpgrp, getpid};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(4);

/// Stops this process and its workers for longer than the time limit.
fn stop_for_a_while() {
    let group = getpgrp().as_raw_nonzero();
    assert_eq!(
        group,
        getpid().as_raw_nonzero(),
        "it has a group of its own"
    );
    let script = format!("kill -STOP -{group}; sleep 6; kill -CONT -{group}");
    let mut command = Command::new("sh");
    // The shell is in another group, so it is not stopped.
    let stopper = command.args(["-c", &script]).process_group(0).spawn();
    assert!(stopper.unwrap().wait().unwrap().success());
}

#[test]
fn time_while_the_program_is_stopped_does_not_count() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { slow = { ring_and_wait(address); 1 } within LIMIT; };
        let pool = Pool::builder().processes(1).timeout(LIMIT).build().unwrap();
        let run = pool.start(&graph).unwrap();
        let task = bell.wait();
        stop_for_a_while();
        drop(task);
        let outcome = run.wait().unwrap();
        assert_eq!(outcome.slow, Ok(1));
        let slow = graph.task_graph().unwrap().find("slow").unwrap();
        let attempt = outcome.report().attempt(slow).unwrap();
        let time = attempt.computation();
        assert!(time < Duration::from_secs(4), "{time:?}");
    });
}
