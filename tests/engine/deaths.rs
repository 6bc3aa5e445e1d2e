//! Deaths at random times, in successive runs on one pool: the values equal those of one process.

use crate::isolated::isolated;
use crate::support::{Scratch, children, count, signal};
use ampeg::{Pool, graph};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::Duration;

fn start(k: u64, size: usize) -> Vec<u64> {
    vec![k; size]
}

/// Mixes its inputs. If `one_in` divides `k`, aborts two times out of three.
fn mix(rows: [&Vec<u64>; 2], k: u64, one_in: u64) -> Vec<u64> {
    if k.is_multiple_of(one_in) && !fastrand::u8(..).is_multiple_of(3) {
        std::process::abort();
    }
    let mut out = rows[usize::from(!k.is_multiple_of(2))].clone();
    for row in rows {
        for (a, b) in out.iter_mut().zip(row) {
            *a = a.wrapping_mul(3).wrapping_add(*b ^ k);
        }
    }
    out
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Vec<u64>>) -> u64 {
    let numbers = rows.into_iter().flatten();
    numbers.fold(0, |a, b| a.wrapping_mul(31).wrapping_add(*b))
}

/// No task of these graphs aborts.
const NEVER: u64 = u64::MAX;

/// Checks that a graph of layers, whose shape depends on `seed`, returns the same inline and on a pool.
fn check(pool: &Pool, seed: u64, size: usize, one_in: u64) {
    let (w, d) = (3 + seed % 7, 2 + seed % 5);
    let graph = |one_in: u64| {
        graph! {
            x[i in 0..d * w] = if i < w { start(i + seed, size) } else {
                mix([&x[i - w], &x[(i - w) / w * w + (i * 3 + 1) % w]], i * 7 + seed + 1, one_in)
            } @ 1 via 1 retry 1000;
            pub end = sum(&x) retry 1000;
        }
    };
    let here = graph(NEVER).run_inline().unwrap();
    let there = pool.run(&graph(one_in)).unwrap();
    assert_eq!(there.end, here.end, "seed {seed}");
}

/// Two halves, each of which is sent as a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair {
    left: Vec<u64>,
    right: Vec<u64>,
}

/// Like [`check`], with parts of results.
fn check_parts(pool: &Pool, seed: u64, size: usize, one_in: u64) {
    let (w, d) = (3 + seed % 4, 2 + seed % 5);
    let graph = |one_in: u64| {
        graph! {
            x[i in 0..d * w]: Pair = if i < w {
                Pair { left: start(i + seed, size), right: start(i, size) }
            } else {
                let left = mix([&x[i - w].left, &x[(i - w) / w * w + (i * 3 + 1) % w].right], i * 7 + seed + 1, one_in);
                Pair { right: vec![left[0]; size], left }
            } @ 1 via 1 retry 1000;
            pub end = sum([&x[d * w - 1].left, &x[d * w - 2].right]) retry 1000;
        }
    };
    let here = graph(NEVER).run_inline().unwrap();
    let there = pool.run(&graph(one_in)).unwrap();
    assert_eq!(there.end, here.end, "seed {seed}");
}

#[test]
fn forty_graphs_whose_tasks_abort_agree_with_one_process() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        for seed in 0..40 {
            check(&pool, seed, 10, 23);
        }
    });
}

#[test]
fn one_task_in_nine_may_abort() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        for seed in 0..60 {
            check(&pool, seed, 10, 9);
        }
    });
}

#[test]
fn number_of_workers_does_not_matter_to_deaths() {
    isolated(|| {
        for processes in [1, 3, 4, 6] {
            let pool = Pool::new(processes).unwrap();
            for seed in 0..15 {
                check(&pool, seed, 10, 13);
            }
        }
    });
}

#[test]
fn results_of_deaths_may_be_of_any_size() {
    isolated(|| {
        for (size, seeds) in [(5_000, 0..12), (50_000, 12..18), (200_000, 18..21)] {
            for processes in [2, 3] {
                let pool = Pool::new(processes).unwrap();
                for seed in seeds.clone() {
                    check(&pool, seed, size, 23);
                }
            }
        }
    });
}

#[test]
fn parts_of_results_survive_deaths() {
    isolated(|| {
        for processes in [2, 4] {
            let pool = Pool::new(processes).unwrap();
            for seed in 0..15 {
                check_parts(&pool, seed, 10, 11);
                check_parts(&pool, seed, 5_000, 17);
            }
        }
    });
}

/// Repeats `work` while a random worker is killed `times` times, and calls `work` once more at the end.
fn while_killed(times: usize, work: impl Fn(u64)) {
    scope(|scope| {
        let killer = scope.spawn(|| {
            for _ in 0..times {
                sleep(Duration::from_millis(50));
                let victims: Vec<_> = children().into_iter().collect();
                if let Some(&victim) = fastrand::choice(&victims) {
                    signal(victim, Signal::KILL);
                }
            }
        });
        for seed in 0.. {
            work(seed);
            if killer.is_finished() {
                break;
            }
        }
    });
    work(7);
}

#[test]
fn kills_from_outside_change_no_value() {
    isolated(|| {
        for processes in [2, 3] {
            let pool = Pool::new(processes).unwrap();
            while_killed(30, |seed| check(&pool, seed, 5_000, NEVER));
        }
    });
}

#[test]
fn kills_from_outside_and_tasks_that_abort_change_no_value() {
    isolated(|| {
        for processes in [2, 4] {
            let pool = Pool::new(processes).unwrap();
            while_killed(20, |seed| check(&pool, seed, 20_000, 19));
            while_killed(20, |seed| check_parts(&pool, seed, 10, 19));
        }
    });
}

/// A string of `n` bytes.
fn large(n: usize) -> String {
    "x".repeat(n)
}

#[test]
fn large_results_arrive_in_the_runs_after_a_death() {
    isolated(|| {
        let n = 20_000_000;
        for processes in [2, 3] {
            let pool = Pool::new(processes).unwrap();
            for _ in 0..5 {
                let graph = graph! {
                    a = large(n);
                    b = a.len();
                    c: i32 = std::process::abort();
                    d = a;
                };
                let outcome = pool.run(&graph).unwrap();
                assert_eq!(outcome.b, Ok(n));
                assert!(outcome.c.is_err());
                assert!(outcome.d.as_ref().is_ok_and(|d| d.len() == n));
            }
        }
    });
}

/// Aborts in the first `times` calls.
fn abort_first(times: usize, calls: &Path) -> usize {
    let call = count(calls);
    if call <= times {
        std::process::abort();
    }
    call
}

#[test]
fn task_gets_all_its_attempts_in_every_run_of_a_pool() {
    isolated(|| {
        let pool = Pool::new(3).unwrap();
        for run in 0..6 {
            let scratch = Scratch::new();
            let (enough_calls, few_calls) = (scratch.file("enough"), scratch.file("few"));
            let graph = graph! {
                enough = abort_first(2, &enough_calls) retry 2;
                few = abort_first(9, &few_calls) retry run;
                after[i in 0..9] = enough + i;
                never = few + 1;
            };
            let outcome = pool.run(&graph).unwrap();
            assert_eq!(outcome.enough, Ok(3));
            assert!((3..).zip(&outcome.after).all(|(n, it)| *it == Ok(n)));
            assert_eq!(outcome.few.as_ref().unwrap_err().attempt(), run + 1);
            assert_eq!(outcome.never.as_ref().unwrap_err().root().task(), "few");
        }
    });
}
