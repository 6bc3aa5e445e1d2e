//! `within` limits the body of a task, and nothing else.

use crate::isolated::isolated;
use crate::support::{HOUR, Scratch, by_hand, count};
use ampeg::{Pool, TaskErrorKind, graph};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Fails in the first `times` calls.
fn fail_first(times: usize, calls: &Path) -> Result<usize, &'static str> {
    match count(calls) {
        call if call <= times => Err("not yet"),
        call => Ok(call),
    }
}

#[test]
fn wait_before_the_next_attempt_is_not_the_time_of_a_task() {
    isolated(|| {
        for processes in [1, 2] {
            let scratch = Scratch::new();
            let calls = scratch.file("calls");
            let pool = Pool::builder()
                .processes(processes)
                .retry_backoff(2 * SECOND);
            let pool = pool.build().unwrap();
            let graph = graph! {
                a = fail_first(1, &calls)? retry 2 within SECOND;
                b = a + 1;
            };
            let outcome = pool.run(&graph).unwrap();
            assert_eq!((&outcome.a, &outcome.b), (&Ok(2), &Ok(3)));
            assert!(outcome.report().deaths().is_empty());
        }
    });
}

#[test]
fn wait_after_a_crash_is_not_the_time_of_a_task() {
    isolated(|| {
        let scratch = Scratch::new();
        let calls = scratch.file("calls");
        let pool = Pool::builder().processes(1).retry_backoff(2 * SECOND);
        let pool = pool.build().unwrap();
        let graph = graph! {
            a = { if count(&calls) < 2 { std::process::abort() } 1 } retry 2 within SECOND;
        };
        let outcome = pool.run(&graph).unwrap();
        assert_eq!(outcome.a, Ok(1));
        assert_eq!(outcome.report().deaths().len(), 1);
    });
}

#[test]
fn wait_can_be_cancelled_and_timed_out() {
    isolated(|| {
        let scratch = Scratch::new();
        let calls = scratch.file("calls");
        let builder = Pool::builder().processes(2).retry_backoff(HOUR);
        let graph = graph! { a = fail_first(1, &calls)? retry 2; b = 1; };
        let pool = builder.clone().timeout(2 * SECOND).build().unwrap();
        let outcome = pool.run(&graph).unwrap();
        let error = outcome.a.unwrap_err();
        assert_eq!(error.run_timeout(), Some(2 * SECOND));
        std::fs::remove_file(&calls).unwrap();
        let pool = builder.build().unwrap();
        let run = pool.start(&graph).unwrap();
        crate::support::until(|| crate::support::counted(&calls) == 1);
        run.cancel();
        let outcome = run.wait().unwrap();
        assert_eq!(
            *outcome.a.as_ref().unwrap_err().kind(),
            TaskErrorKind::Cancelled
        );
    });
}

/// A value that takes two seconds to be decoded in another process.
#[derive(Debug, Clone, PartialEq)]
struct Slow(u64);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        sleep(2 * SECOND);
        u64::deserialize(deserializer).map(Self)
    }
}

fn first(x: &Slow) -> u64 {
    x.0
}

#[test]
fn reading_of_inputs_is_not_the_time_of_a_task() {
    isolated(|| {
        let graph = graph! {
            whole = Slow(3);
            pub b = first(&whole) within SECOND retry 1;
        };
        let pool = Pool::new(2).unwrap();
        for lists in [vec![vec!["whole", "b"]], vec![vec!["whole"], vec!["b"]]] {
            let outcome = pool.run_schedule(&graph, &by_hand(&graph, &lists)).unwrap();
            assert_eq!(outcome.b, Ok(3));
            assert!(outcome.report().deaths().is_empty());
        }
    });
}

#[test]
fn reading_of_captures_is_not_the_time_of_a_task() {
    isolated(|| {
        let slow = Slow(3);
        let graph = graph! {
            a = first(&slow) within SECOND retry 1;
            b = a + first(&slow) within SECOND retry 1;
        };
        for processes in [1, 2] {
            let outcome = graph.run(processes).unwrap();
            assert_eq!(outcome.b, Ok(6));
            assert!(outcome.report().deaths().is_empty());
        }
    });
}

#[test]
fn body_beyond_its_limit_is_ended_wherever_its_inputs_come_from() {
    isolated(|| {
        let graph = graph! {
            whole = Slow(3);
            b = { first(&whole); sleep(HOUR) } within SECOND retry 1;
            other = whole.0;
        };
        let pool = Pool::new(2).unwrap();
        let near = vec![vec!["whole", "b", "other"]];
        for lists in [near, vec![vec!["whole", "other"], vec!["b"]]] {
            let outcome = pool.run_schedule(&graph, &by_hand(&graph, &lists)).unwrap();
            let error = outcome.b.as_ref().unwrap_err();
            assert_eq!(*error.kind(), TaskErrorKind::TimedOut { limit: SECOND });
            assert_eq!((error.attempt(), &outcome.other), (2, &Ok(3)));
        }
    });
}
