//! Workers that die while they run no task.

use crate::isolated::isolated;
use crate::raw;
use crate::support::{
    Bell, by_hand, children, comes_within, kill, ring, ring_and_wait, until, workers,
};
use ampeg::{Pool, graph};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread::scope;
use std::time::Duration;

fn wait_at(bell: SocketAddr, value: u64) -> u64 {
    ring_and_wait(bell);
    value
}

/// Kills the second worker of a pool of two, and its replacements, `times` times while the worker waits for the first
/// one.
fn second_killed_while_it_waits(times: usize, retry: u32) {
    let bell = Bell::new();
    let address = bell.address();
    let graph = graph! { one = wait_at(address, 1); two = one + 1 retry retry; };
    let apart = by_hand(&graph, &[vec!["one"], vec!["two"]]);
    let pool = Pool::new(2).unwrap();
    let [first, second] = workers(&pool).try_into().unwrap();
    scope(|scope| {
        scope.spawn(|| {
            let held = bell.wait();
            let mut victim = second;
            for _ in 0..times {
                kill(victim);
                let next = || {
                    children()
                        .into_iter()
                        .find(|&it| it != first && it != victim)
                };
                // A replacement need not be started before it is needed.
                comes_within(Duration::from_secs(3), || next().is_some());
                victim = next().unwrap_or(victim);
            }
            drop(held);
        });
        let outcome = pool.run_schedule(&graph, &apart).unwrap();
        assert_eq!(outcome.two, Ok(2));
        assert!(outcome.report().deaths().len() <= times);
    });
    assert_eq!(pool.run(&graph! { after = 3; }).unwrap().after, Ok(3));
}

#[test]
fn death_of_a_worker_that_waits_is_no_attempt_of_its_task() {
    isolated(|| second_killed_while_it_waits(1, 0));
}

#[test]
fn worker_killed_three_times_while_it_waits_costs_nothing_but_attempts() {
    isolated(|| second_killed_while_it_waits(3, 5));
}

#[test]
fn worker_without_tasks_may_die_in_the_middle_of_a_run() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let two = graph! { a = wait_at(address, 1); b = wait_at(address, 2); pub sum = a + b; };
        let apart = by_hand(&two, &[vec!["a", "sum"], vec!["b"]]);
        let pool = Pool::new(4).unwrap();
        // Worker 3 is killed twice in a row, so its replacement dies, too.
        for worker in [3, 2, 3, 3] {
            let ids = workers(&pool);
            scope(|scope| {
                scope.spawn(|| {
                    let held = [bell.wait(), bell.wait()];
                    kill(ids[worker]);
                    drop(held);
                });
                let outcome = pool.run_schedule(&two, &apart).unwrap();
                assert_eq!(outcome.sum, Ok(3));
            });
            let ids: BTreeSet<_> = workers(&pool).into_iter().collect();
            assert_eq!(ids.len(), 4);
        }
    });
}

#[test]
fn worker_without_tasks_and_its_replacement_may_die_in_one_run() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let one = graph! { a = wait_at(address, 1); b = a + 1; };
        let apart = by_hand(&one, &[vec!["a", "b"]]);
        let pool = Pool::new(2).unwrap();
        let [first, second] = workers(&pool).try_into().unwrap();
        scope(|scope| {
            scope.spawn(|| {
                let held = bell.wait();
                kill(second);
                let next = || {
                    children()
                        .into_iter()
                        .find(|&it| it != first && it != second)
                };
                // A worker that is not needed need not be replaced at once.
                comes_within(Duration::from_secs(2), || next().is_some());
                next().into_iter().for_each(kill);
                drop(held);
            });
            assert_eq!(pool.run_schedule(&one, &apart).unwrap().b, Ok(2));
        });
        assert_eq!(workers(&pool).len(), 2);
    });
}

#[test]
fn worker_without_tasks_may_die_before_a_run() {
    isolated(|| {
        let graph = graph! { a = 1; b = a + 1; };
        let apart = by_hand(&graph, &[vec!["a", "b"]]);
        let pool = Pool::new(3).unwrap();
        for worker in 0..3 {
            kill(workers(&pool)[worker]);
            assert_eq!(pool.run_schedule(&graph, &apart).unwrap().b, Ok(2));
        }
        assert_eq!(workers(&pool).len(), 3);
    });
}

#[test]
fn all_workers_may_die_between_runs() {
    isolated(|| {
        let pool = Pool::new(3).unwrap();
        for run in 0..5_u64 {
            workers(&pool).into_iter().for_each(kill);
            let graph = graph! {
                a[i in 0..9] = i + run;
                pub sum: u64 = a.iter().sum();
            };
            assert_eq!(pool.run(&graph).unwrap().sum, Ok(36 + 9 * run));
        }
    });
}

#[test]
fn worker_killed_as_a_run_begins_costs_no_value() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let graph = graph! {
            a[i in 0..40_u64] = i retry 100;
            b[i in 0..40] = a[i] + a[(i * 7 + 3) % 40] retry 100;
            pub sum: u64 = b.iter().sum() retry 100;
        };
        for round in 0..20 {
            let victim = workers(&pool)[round % 2];
            scope(|scope| {
                scope.spawn(|| kill(victim));
                assert_eq!(pool.run(&graph).unwrap().sum, Ok(1560));
            });
        }
    });
}

fn lose_descriptors(value: u64) -> u64 {
    raw::replace_descriptors();
    value
}

#[test]
fn worker_that_dies_before_it_can_report_is_tried_a_few_times() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let graph = graph! {
            one = { std::thread::sleep(Duration::from_millis(2)); 1 };
            pub two = lose_descriptors(one);
            pub three = 3;
        };
        let outcome = pool.run(&graph).unwrap();
        assert!(outcome.two.is_err(), "{:?}", outcome.two);
        assert_eq!(outcome.three, Ok(3));
        assert!(outcome.report().deaths().len() < 100);
        assert_eq!(pool.run(&graph! { after = 3; }).unwrap().after, Ok(3));
    });
}

#[test]
fn one_worker_of_two_that_dies_before_it_can_report_is_tried_a_few_times() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let graph = graph! {
            one = 1;
            two = lose_descriptors(one);
            three = two + 1;
            free = one + 1;
        };
        let apart = by_hand(&graph, &[vec!["one", "two"], vec!["free", "three"]]);
        let outcome = pool.run_schedule(&graph, &apart).unwrap();
        assert!(outcome.two.is_err() && outcome.three.is_err());
        assert_eq!((&outcome.one, &outcome.free), (&Ok(1), &Ok(2)));
    });
}

/// Returns, but its process rings and aborts a moment later.
fn end_soon(bell: SocketAddr) -> u64 {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        ring(bell);
        std::process::abort();
    });
    1
}

#[test]
fn worker_that_dies_after_its_task_has_ended_costs_nothing() {
    isolated(|| {
        let bell = Bell::new();
        let address = bell.address();
        let graph = graph! { one = end_soon(address); other = wait_at(address, 1); two = one + other retry 5; };
        let apart = by_hand(&graph, &[vec!["one"], vec!["other", "two"]]);
        let pool = Pool::new(2).unwrap();
        let [first, _] = workers(&pool).try_into().unwrap();
        scope(|scope| {
            scope.spawn(|| {
                let held = [bell.wait(), bell.wait()];
                until(|| !crate::support::is_alive(first));
                drop(held);
            });
            assert_eq!(pool.run_schedule(&graph, &apart).unwrap().two, Ok(2));
        });
    });
}
