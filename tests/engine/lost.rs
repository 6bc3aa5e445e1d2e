//! Results that are lost with their worker and cannot be computed again.
//!
//! Each graph is a chain from `a` to `v`. When `a` is called again, it does not return its result. The worker of `v`
//! dies in the first attempt. If the death loses the result of `a`, `a` is computed again, and `v` fails because of
//! `a`. Otherwise, `v` has the right value.

use crate::isolated::isolated;
use crate::support::{
    Bell, HOUR, Scratch, by_hand, count, counted, kill, ring, ring_and_wait, workers,
};
use ampeg::{Pool, TaskError, TaskErrorKind, graph};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// The end of the second call of the first task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Second {
    Fails,
    Panics,
    Aborts,
    Exits,
    Hangs,
}

const ALL: [Second; 5] = [
    Second::Fails,
    Second::Panics,
    Second::Aborts,
    Second::Exits,
    Second::Hangs,
];

/// Returns 1 in the first call. Later calls end as `second` says.
fn once(calls: &Path, second: Second) -> Result<u64, String> {
    if count(calls) > 1 {
        match second {
            Second::Fails => return Err("works only once".into()),
            Second::Panics => panic!("works only once"),
            Second::Aborts => std::process::abort(),
            Second::Exits => std::process::exit(3),
            Second::Hangs => sleep(HOUR),
        }
    }
    Ok(1)
}

/// Returns 1, except in the second call, which ends as `second` says.
fn all_but_second(calls: &Path, second: Second) -> Result<u64, String> {
    if counted(calls) == 1 {
        return once(calls, second);
    }
    count(calls);
    Ok(1)
}

/// Aborts in the first call, after a pause in which earlier tasks are reported.
fn abort_first(calls: &Path) {
    if count(calls) < 2 {
        sleep(Duration::from_millis(100));
        std::process::abort();
    }
}

/// Checks that `v` has the expected value or, if `a` was called twice, failed because of `a`.
fn check<T: PartialEq + Debug>(
    v: &Result<T, TaskError>,
    expected: T,
    calls: &Path,
    second: Second,
) {
    if counted(calls) < 2 {
        assert_eq!(*v, Ok(expected));
        return;
    }
    let root = v.as_ref().unwrap_err().root();
    assert_eq!(root.task(), "a", "{root}");
    let fits = match second {
        Second::Fails => matches!(root.kind(), TaskErrorKind::Failed { .. }),
        Second::Panics => matches!(root.kind(), TaskErrorKind::Panicked { .. }),
        Second::Aborts | Second::Exits => matches!(root.kind(), TaskErrorKind::Crashed { .. }),
        Second::Hangs => matches!(root.kind(), TaskErrorKind::TimedOut { .. }),
    };
    assert!(fits, "{second:?}: {root}");
}

#[test]
fn result_that_cannot_be_computed_again_fails_the_tasks_that_need_it() {
    isolated(|| {
        for second in ALL {
            let scratch = Scratch::new();
            let (a_calls, v_calls) = (scratch.file("a"), scratch.file("v"));
            let limit = Duration::from_secs(1);
            let graph = graph! {
                a = once(&a_calls, second)? within limit;
                u = a + 1;
                w = u + 1;
                pub v = { abort_first(&v_calls); w + 1 } retry 1;
                pub free = 7_u64;
            };
            let outcome = graph.run(1).unwrap();
            assert_eq!(outcome.free, Ok(7));
            assert_eq!(counted(&a_calls), 2);
            check(&outcome.v, 4, &a_calls, second);
        }
    });
}

#[test]
fn depth_of_a_lost_chain_and_number_of_workers_do_not_matter() {
    isolated(|| {
        for processes in [1, 2, 4] {
            let pool = Pool::new(processes).unwrap();
            for (depth, second) in [(1, ALL[0]), (3, ALL[2]), (10, ALL[4]), (10, ALL[1])] {
                let scratch = Scratch::new();
                let (a_calls, v_calls) = (scratch.file("a"), scratch.file("v"));
                let limit = Duration::from_secs(1);
                let graph = graph! {
                    a = once(&a_calls, second)? within limit;
                    x[0] = a + 1;
                    x[i in 1..depth] = x[i - 1] + 1;
                    last = x[depth - 1] + 1;
                    pub v = { abort_first(&v_calls); last + 1 } retry 1;
                    pub other[i in 0..8_u64] = { sleep(Duration::from_millis(10)); i };
                };
                let outcome = pool.run(&graph).unwrap();
                check(&outcome.v, 3 + depth, &a_calls, second);
                assert!((0..).zip(&outcome.other).all(|(i, it)| *it == Ok(i)));
            }
        }
    });
}

#[test]
fn result_that_can_be_computed_again_by_a_later_attempt_is_right() {
    isolated(|| {
        for second in ALL {
            let scratch = Scratch::new();
            let (a_calls, v_calls) = (scratch.file("a"), scratch.file("v"));
            let limit = Duration::from_secs(1);
            let graph = graph! {
                a = all_but_second(&a_calls, second)? within limit retry 5;
                u = a + 1;
                w = u + 1;
                pub v = { abort_first(&v_calls); w + 1 } retry 1;
            };
            assert_eq!(graph.run(1).unwrap().v, Ok(4), "{second:?}");
        }
    });
}

/// In the first call, waits until the test closes the connection, and then aborts.
fn wait_and_abort_first(calls: &Path, bell: SocketAddr) {
    if count(calls) < 2 {
        ring_and_wait(bell);
        std::process::abort();
    }
}

//  a | b
//    | v   the first worker is killed, then the second one dies: `b` needs `a`, `v` needs `b`
#[test]
fn recomputation_that_needs_one_on_another_worker_fails_with_it() {
    isolated(|| {
        for second in ALL {
            let scratch = Scratch::new();
            let (a_calls, v_calls) = (scratch.file("a"), scratch.file("v"));
            let (bell, limit) = (Bell::new(), Duration::from_secs(1));
            let address = bell.address();
            let graph = graph! {
                a = once(&a_calls, second)? within limit;
                b = a + 1;
                c = b + 1;
                pub v = { wait_and_abort_first(&v_calls, address); c + 1 } retry 1;
                pub free = { ring(address); 7_u64 } retry 9;
            };
            let apart = by_hand(&graph, &[vec!["a", "free"], vec!["b", "c", "v"]]);
            let pool = Pool::new(2).unwrap();
            let first = workers(&pool)[0];
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    // One task of each worker has rung. The task `v` waits.
                    let held = [bell.wait(), bell.wait()];
                    // Earlier tasks are reported during this time.
                    sleep(Duration::from_millis(100));
                    kill(first);
                    drop(held);
                });
                let outcome = pool.run_schedule(&graph, &apart).unwrap();
                // If this time was too short, the death counts as a crash of `a`.
                match &outcome.v {
                    Err(error) if counted(&a_calls) < 2 => assert_eq!(error.root().task(), "a"),
                    v => check(v, 4, &a_calls, second),
                }
                assert_eq!(outcome.free, Ok(7));
            });
            let outcome = pool.run(&graph! { after = 1; }).unwrap();
            assert_eq!(outcome.after, Ok(1));
        }
    });
}

#[test]
fn lost_result_that_two_workers_need_again_is_computed_once_more_or_fails_both() {
    isolated(|| {
        for second in [Second::Fails, Second::Aborts] {
            let scratch = Scratch::new();
            let calls = ["a", "v", "w"].map(|name| scratch.file(name));
            let [a_calls, v_calls, w_calls] = &calls;
            let graph = graph! {
                a = once(a_calls, second)?;
                left = a + 1;
                right = a + 2;
                pub v = { abort_first(v_calls); left + right } retry 1;
                pub w = { abort_first(w_calls); left + right + 1 } retry 1;
            };
            let apart = by_hand(&graph, &[vec!["a", "left", "v"], vec!["right", "w"]]);
            let outcome = Pool::new(2).unwrap().run_schedule(&graph, &apart).unwrap();
            for (result, expected) in [(&outcome.v, 5), (&outcome.w, 6)] {
                match result {
                    Ok(value) => assert_eq!(*value, expected),
                    Err(error) => assert_eq!(error.root().task(), "a", "{error}"),
                }
            }
            assert!(outcome.v.is_ok() || counted(a_calls) > 1);
        }
    });
}
