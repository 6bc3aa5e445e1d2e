//! Costs, durations and counts: evaluated where the graph is declared.

use crate::{Everywhere, add, square};
use ampeg::{TaskGraph, graph};
use std::time::Duration;

struct Settings {
    cost: f64,
}

#[test]
fn costs_are_numbers_or_durations_of_the_surroundings() {
    let (k, settings, wait) = (3_u64, Settings { cost: 0.5 }, Duration::from_secs(2));
    let graph = graph! {
        a = square(1) @ 2 * k;
        b = square(2) @ settings.cost;
        d = square(4);
        e = add(a, b) @ 3_000_000_000 via k + 1;
        f = [b, d].into_iter().sum::<i64>() via { b: 1, d: k };
    };
    let costs = |tasks: &TaskGraph| -> Vec<f64> {
        tasks.task_ids().map(|task| tasks.mean_cost(task)).collect()
    };
    let transfers = |tasks: &TaskGraph| -> Vec<f64> {
        let dependencies = tasks.task_ids().flat_map(|task| tasks.predecessors(task));
        dependencies.map(|it| it.cost.value()).collect()
    };
    let tasks = graph.task_graph().unwrap();
    assert_eq!(costs(tasks), [6.0, 0.5, 1.0, 3e9, 1.0]);
    assert_eq!(transfers(tasks), [4.0, 4.0, 1.0, 3.0]);
    let graph = graph! {
        a = square(3) @ wait;
        b = square(4);
        c = [a, b].into_iter().sum::<i64>() @ wait / 4 via { b: wait };
    };
    let tasks = graph.task_graph().unwrap();
    assert_eq!(costs(tasks), [2.0, 1.0, 0.5]);
    assert_eq!(transfers(tasks), [0.0, 2.0]);
}

#[test]
fn shared_cost_is_evaluated_once() {
    let mut calls = 0;
    let mut cost = || {
        calls += 1;
        1.5
    };
    let graph = graph! { a = 1; b = 2; c = add(a, b) via cost(); };
    assert!(graph.run_inline().is_ok());
    assert_eq!(calls, 1);
}

#[test]
fn costs_out_of_range_are_reported_when_the_graph_is_used() {
    let cost = -1.0;
    let error = graph! { first = 1 @ cost; }.run_inline().unwrap_err();
    assert!(error.to_string().contains("first"), "{error}");
    let error = graph! { a = 1; b = a via f64::NAN; }
        .run_inline()
        .unwrap_err();
    assert!(error.to_string().contains("a → b"), "{error}");
}

#[test]
fn limits_are_durations_and_counts() {
    let n = 2_u8;
    let graph = graph! {
        a = square(2) within Duration::from_secs(5) retry 3;
        b = a + 1 within 2.5 retry n;
    };
    assert_eq!(graph.everywhere().b, Ok(5));
    let n = -1;
    assert!(graph! { a = 1 retry n; }.run_inline().is_err());
}

#[test]
fn task_with_retries_keeps_its_inputs() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static TRIES: AtomicU32 = AtomicU32::new(0);
    fn fail_once(xs: &[i64]) -> Result<usize, String> {
        match TRIES.fetch_add(1, Ordering::Relaxed) {
            0 => Err("the first time".into()),
            _ => Ok(xs.len()),
        }
    }
    let graph = graph! { a = vec![1, 2]; pub b = fail_once(&{ a })? retry 1; };
    assert_eq!(graph.everywhere().b, Ok(2));
}

/// A duration and a number cannot be compared, not even one second and 1.0.
#[test]
fn costs_of_two_units_are_an_error_that_names_both() {
    let second = Duration::from_secs(1);
    let is_refused = |error: ampeg::Error, names: [&str; 2]| {
        let message = error.to_string();
        for name in names.iter().chain(&["`Duration`", "number", "one unit"]) {
            assert!(message.contains(name), "no {name} in: {message}");
        }
    };
    let graph = graph! { a = 1 @ second; b = a + 1 @ 2; };
    is_refused(graph.run_inline().unwrap_err(), ["`a`", "`b`"]);
    let (cost, borrowed) = (0.5_f32, &second);
    let graph = graph! { a = 1 @ cost; other = 3; b = a + other @ borrowed; };
    is_refused(graph.task_graph().unwrap_err(), ["`a`", "`b`"]);
    let graph = graph! {
        member[i in 0..3] = i @ if i == 2 { 1.5 } else { 0.0 };
        all = member[..].to_vec() @ second;
    };
    is_refused(graph.schedule(2).unwrap_err(), ["`member[2]`", "`all`"]);
    let graph = graph! { a = 1 @ second; b = a + 1 via 3; };
    is_refused(graph.run(1).unwrap_err(), ["`a`", "a → b"]);
    let graph = graph! { member[i in 0..3] = i @ 4; b = member[1] via second; };
    is_refused(graph.run(1).unwrap_err(), ["`member[0]`", "member[1] → b"]);
}

#[test]
fn no_cost_and_none_written_have_no_unit() {
    let second = Duration::from_secs(1);
    let graph = graph! {
        a = 1 @ second;
        b = a + 1;
        c = b + 1 @ 0 via second;
        member[i in 0..2] = c + i via 0;
        d = member[1] @ ampeg::Cost::ONE via { member: second };
    };
    assert_eq!(graph.everywhere().d, Ok(4));
    let graph = graph! { a = 1 @ 2; b = a + 1 @ 0.5 via Duration::ZERO; };
    assert_eq!(graph.everywhere().b, Ok(2));
}
