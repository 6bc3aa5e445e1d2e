//! The time left, compared with what really happens.

use super::simulation::{graph, run, tell};
use super::{Told, fork_and_join};
use crate::report::progress::estimate::Left;
use fastrand::Rng;
use std::f64::consts::TAU;

/// A number with the standard normal distribution.
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}

/// How the real times of tasks differ from their costs.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    /// By a factor from 0.1 to 10 for each statement, and by a fifth for each task.
    Statements,
    /// By a factor for each task, whose logarithm has this standard deviation.
    Tasks(f64),
    /// Three in a hundred take ten times as long.
    Outliers,
}

fn durations(told: &Told, wrong: Wrong, random: &mut Rng) -> Vec<f64> {
    let mut factors = std::collections::BTreeMap::new();
    let graph = &told.graph;
    let tasks = graph.task_ids().map(|task| {
        let cost = graph.mean_cost(task);
        let family = crate::report::costs::family(graph.name(task));
        cost * match wrong {
            Wrong::Statements => {
                let own = 10_f64.powf(2.0 * random.f64() - 1.0);
                let factor = *factors.entry(family).or_insert(own);
                factor * (0.2 * normal(random)).exp()
            }
            Wrong::Tasks(deviation) => (deviation * normal(random)).exp(),
            Wrong::Outliers if random.usize(0..100) < 3 => 10.0,
            Wrong::Outliers => 1.0,
        }
    });
    tasks.collect()
}

/// What is estimated at half the time of a run, as multiples of the time that is really left.
fn at_half_time(wrong: Wrong, seed: u64) -> Left {
    let mut random = Rng::with_seed(seed);
    let shape = usize::try_from(seed).unwrap();
    let graph = graph(shape, &mut random);
    let n_workers = *random.choice(&[2, 3, 4, 8, 16]).unwrap();
    let mut told = Told::new(graph, n_workers);
    let unit = 10_f64.powf(2.0 * random.f64() - 1.0);
    let durations = durations(&told, wrong, &mut random);
    let times = run(&told, &durations, unit);
    let half = times
        .iter()
        .map(|(_, finish)| finish / 2.0)
        .fold(0.0, f64::max);
    tell(&mut told, &times, half, unit);
    let left = told.model.snapshot(half).left.expect("half of it is done");
    Left {
        low: left.low / half,
        middle: left.middle / half,
        high: left.high / half,
    }
}

fn is_close(left: &Left) -> bool {
    (0.8..=1.2).contains(&left.middle)
}

/// How many of a hundred runs an estimate is right in.
fn count(wrong: Wrong, is_right: impl Fn(&Left) -> bool) -> usize {
    let seeds = 0..100;
    let lefts = seeds.map(|seed| at_half_time(wrong, seed));
    lefts.filter(is_right).count()
}

#[test]
fn estimate_at_half_time_is_right_within_a_fifth_in_nine_of_ten_runs_with_wrong_costs() {
    let close = count(Wrong::Statements, is_close);
    assert!(close >= 90, "{close}");
}

#[test]
fn what_is_said_at_half_time_is_true_in_most_runs_even_if_equal_tasks_differ() {
    let is_true = |left: &Left| {
        if left.is_certain() {
            is_close(left)
        } else {
            left.low <= 1.0 && left.high >= 1.0
        }
    };
    for (wrong, least) in [
        (Wrong::Statements, 90),
        (Wrong::Tasks(0.5), 85),
        (Wrong::Tasks(1.0), 75),
        (Wrong::Outliers, 70),
    ] {
        let n_true = count(wrong, is_true);
        assert!(n_true >= least, "{wrong:?}: {n_true}");
    }
}

#[test]
fn nothing_is_said_before_a_task_has_ended() {
    let mut told = Told::new(fork_and_join(), 2);
    told.begins("load", 1, 0.0);
    assert_eq!(told.model.snapshot(1.0).left, None);
}

#[test]
fn equal_tasks_are_told_exactly() {
    let mut told = Told::new(fork_and_join(), 2);
    let times = run(&told, &[2.0; 6], 1.0);
    let end = times.iter().map(|(_, finish)| *finish).fold(0.0, f64::max);
    tell(&mut told, &times, 2.5, 1.0);
    let left = told.model.snapshot(2.5).left.unwrap();
    assert_eq!((left.low, left.high), (end - 2.5, end - 2.5));
}
