//! Workers that neither run nor end: stopped by a signal, or held by a destructor that never returns.

use crate::isolated::isolated;
use crate::support::{Bell, HOUR, by_hand, ring, stop, workers};
use ampeg::{Pool, TaskErrorKind, graph};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn task_with_a_limit_gets_another_worker_if_its_own_is_stopped() {
    isolated(|| {
        let graph = graph! {
            one = { sleep(Duration::from_millis(100)); 1 };
            two = one + 1 within SECOND retry 20;
            three = two + 1;
        };
        let pool = Pool::new(2).unwrap();
        for lists in [
            [vec!["one"], vec!["two", "three"]],
            [vec!["one", "three"], vec!["two"]],
        ] {
            let apart = by_hand(&graph, &lists);
            stop(workers(&pool)[1]);
            assert_eq!(pool.run_schedule(&graph, &apart).unwrap().three, Ok(3));
        }
    });
}

#[test]
fn task_with_a_limit_on_a_stopped_worker_ends_without_retries_too() {
    isolated(|| {
        let graph = graph! { one = 1; two = one + 1 within SECOND; other = one + 2; };
        let apart = by_hand(&graph, &[vec!["one", "other"], vec!["two"]]);
        let pool = Pool::new(2).unwrap();
        stop(workers(&pool)[1]);
        let outcome = pool.run_schedule(&graph, &apart).unwrap();
        assert_eq!((&outcome.one, &outcome.other), (&Ok(1), &Ok(3)));
        // The kill may use up the only attempt. This test only checks that the run ends.
        assert!(outcome.two.as_ref().map_or(true, |it| *it == 2));
        assert_eq!(pool.run(&graph! { after = 3; }).unwrap().after, Ok(3));
    });
}

#[test]
fn timeout_of_a_pool_ends_a_run_that_waits_for_a_stopped_worker() {
    isolated(|| {
        let graph = graph! { one = 1; two = one + 1; };
        let apart = by_hand(&graph, &[vec!["one"], vec!["two"]]);
        let pool = Pool::builder().processes(2).timeout(3 * SECOND);
        let pool = pool.build().unwrap();
        for _ in 0..2 {
            stop(workers(&pool)[1]);
            let outcome = pool.run_schedule(&graph, &apart).unwrap();
            assert_eq!(outcome.one, Ok(1));
            let error = outcome.two.unwrap_err();
            assert_eq!(*error.kind(), TaskErrorKind::Cancelled);
            assert_eq!(error.run_timeout(), Some(3 * SECOND));
        }
        assert_eq!(workers(&pool).len(), 2);
    });
}

#[test]
fn run_that_waits_for_a_stopped_worker_can_be_cancelled_and_dropped() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { x[i in 0..2] = ring(address); y[i in 0..2] = x[1 - i]; };
        let pool = Pool::new(2).unwrap();
        stop(workers(&pool)[1]);
        let run = pool.start(&graph).unwrap();
        drop(bell.wait());
        run.cancel();
        let outcome = run.wait().unwrap();
        assert!(outcome.y.iter().any(Result::is_err));
        stop(workers(&pool)[0]);
        let run = pool.start(&graph).unwrap();
        drop(bell.wait());
        drop(run);
        assert!(pool.run(&graph).unwrap().y.iter().all(Result::is_ok));
    });
}

/// The reports of so many tasks are more than a socket holds.
const MANY: usize = 50_000;

#[test]
fn timeout_ends_a_run_that_sends_much_to_a_stopped_worker() {
    isolated(|| {
        let pool = Pool::builder().processes(2).timeout(10 * SECOND);
        let pool = pool.build().unwrap();
        stop(workers(&pool)[1]);
        let graph = graph! { x[i in 0..MANY] = i; };
        let outcome = pool.run(&graph).unwrap();
        assert!(outcome.x.iter().any(Result::is_err));
        assert_eq!(pool.run(&graph! { after = 3; }).unwrap().after, Ok(3));
        assert_eq!(workers(&pool).len(), 2);
    });
}

#[test]
fn run_that_sends_much_to_a_stopped_worker_can_be_cancelled() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        for stopped in [1, 0] {
            stop(workers(&pool)[stopped]);
            let run = pool.start(&graph! { x[i in 0..MANY] = i; }).unwrap();
            sleep(SECOND / 2);
            run.cancel();
            let outcome = run.wait().unwrap();
            assert!(outcome.x.iter().any(Result::is_err));
        }
        assert_eq!(workers(&pool).len(), 2);
    });
}

#[test]
fn worker_that_sends_much_to_a_stopped_one_is_not_held_by_it() {
    isolated(|| {
        let graph = graph! {
            x[i in 0..50_u64] = vec![i; 5_000];
            y[i in 0..50] = x[i].len() within SECOND retry 20;
            free[i in 0..50] = i;
            pub lengths: Vec<usize> = y;
            pub last: Vec<i32> = free;
        };
        let tasks = graph.task_graph().unwrap();
        let names = |name: &str| (0..50).map(|i| format!("{name}[{i}]")).collect::<Vec<_>>();
        let (x, y, free) = (names("x"), names("y"), names("free"));
        assert!(tasks.n_tasks() > 150);
        let here = x.iter().chain(&free).map(String::as_str).chain(["last"]);
        let there = y.iter().map(String::as_str).chain(["lengths"]);
        let apart = by_hand(&graph, &[here.collect(), there.collect()]);
        let pool = Pool::new(2).unwrap();
        stop(workers(&pool)[1]);
        let outcome = pool.run_schedule(&graph, &apart).unwrap();
        assert_eq!(outcome.last, Ok((0..50).collect()));
        assert_eq!(outcome.lengths, Ok(vec![5_000; 50]));
    });
}

#[test]
fn end_of_a_pool_of_stopped_workers_costs_one_time_limit() {
    isolated(|| {
        let pool = Pool::new(10).unwrap();
        workers(&pool).into_iter().for_each(stop);
        let start = Instant::now();
        drop(pool);
        // The limits are not added up: ten limits of two seconds would be twenty seconds.
        assert!(start.elapsed() < 12 * SECOND, "{:?}", start.elapsed());
    });
}

/// True in the process of the test. Destructors return only there.
static IN_MAIN: AtomicBool = AtomicBool::new(false);

/// A value whose destructor never returns in a worker, like one that waits for a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Connection(i32);

impl Drop for Connection {
    fn drop(&mut self) {
        while !IN_MAIN.load(Ordering::SeqCst) {
            sleep(HOUR);
        }
    }
}

fn number(connection: &Connection) -> i32 {
    connection.0
}

#[test]
fn destructor_that_never_returns_holds_no_task_with_a_limit_on_one_worker() {
    isolated(|| run_after_a_destructor_that_never_returns(1));
}

#[test]
fn destructor_that_never_returns_holds_no_task_with_a_limit_on_two_workers() {
    isolated(|| run_after_a_destructor_that_never_returns(2));
}

fn run_after_a_destructor_that_never_returns(processes: usize) {
    IN_MAIN.store(true, Ordering::SeqCst);
    let pool = Pool::new(processes).unwrap();
    let connection = Connection(1);
    let graph = graph! { a = number(&connection); b = number(&connection) + 1; };
    let outcome = pool.run(&graph).unwrap();
    assert_eq!((&outcome.a, &outcome.b), (&Ok(1), &Ok(2)));
    let next = graph! { c = 3 within SECOND retry 20; d = c + 1 within SECOND retry 20; };
    assert_eq!(pool.run(&next).unwrap().d, Ok(4));
    assert_eq!(workers(&pool).len(), processes);
}

#[test]
fn destructor_that_never_returns_holds_no_run_with_a_timeout() {
    isolated(|| {
        IN_MAIN.store(true, Ordering::SeqCst);
        let pool = Pool::builder().processes(1).timeout(3 * SECOND);
        let pool = pool.build().unwrap();
        let connection = Connection(1);
        let graph = graph! { a = number(&connection); b = number(&connection) + 1; };
        let outcome = pool.run(&graph).unwrap();
        assert_eq!((&outcome.a, &outcome.b), (&Ok(1), &Ok(2)));
        drop(graph);
        // The first run may time out. Then the worker is replaced.
        let _ = pool.run(&graph! { c = 3; }).unwrap();
        assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
    });
}
