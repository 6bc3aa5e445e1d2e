//! The language of `graph!`, feature by feature, on short programs that run inline and in two worker processes.

#![deny(warnings)]

mod bodies;
mod captures;
mod clauses;
mod dependencies;
mod failures;
mod families;
mod groups;
mod hygiene;
mod large;
mod macros;
mod outputs;

use ampeg::graph;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

fn square(x: i64) -> i64 {
    x * x
}

fn half(x: i64) -> i64 {
    x / 2
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn mul(x: i64, y: i64) -> i64 {
    x * y
}

fn sub(x: i64, y: i64) -> i64 {
    x - y
}

fn sum(xs: &[i64]) -> i64 {
    xs.iter().sum()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

/// Serializable, but not `Clone`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Once(Vec<i64>);

/// Runs a graph inline and in two worker processes, which must agree.
trait Everywhere {
    /// The outcome of the run.
    type Outcome;
    /// Runs the graph inline and in two worker processes, and compares the outcomes.
    fn everywhere(&self) -> Self::Outcome;
}

impl<V: ampeg::Values<Outcome: Debug>> Everywhere for ampeg::Graph<V> {
    type Outcome = V::Outcome;

    #[track_caller]
    fn everywhere(&self) -> Self::Outcome {
        let inline = self.run_inline().unwrap();
        // Miri starts no processes.
        if !cfg!(miri) {
            let processes = self.run(2).unwrap();
            assert_eq!(format!("{inline:?}"), format!("{processes:?}"));
        }
        inline
    }
}

/// Runs a graph and returns one of its values, which must exist.
macro_rules! value {
    ($output:ident of { $($graph:tt)* }) => {
        $crate::Everywhere::everywhere(&ampeg::graph! { $($graph)* }).into_values().unwrap().$output
    };
}
pub(crate) use value;

/// The values of a graph, which are the same inline and on two processes.
macro_rules! both {
    ($graph:expr) => {
        $crate::Everywhere::everywhere(&$graph)
            .into_values()
            .unwrap()
    };
}
pub(crate) use both;

//  a(9)   b(16)   h(5)
//    \    /   \   /
//     c(25)   …   d = a·h (45)
//        \       /
//         e = -20
#[test]
fn six_tasks() {
    let pythagoras = graph! {
        a = square(3) @ 10.8;
        b = square(4) @ 10.8;
        h = half(10)  @ 11;
        c = add(a, b) @ 10.7 via 1;
        d = mul(a, h) @ 10.8 via 1;
        e = sub(c, d) @ 10.9 via 1;
    };
    let outcome = pythagoras.everywhere();
    assert_eq!(outcome.e, Ok(-20));
}

#[test]
fn statements_stand_in_any_order() {
    assert_eq!(value!(c of { c = add(a, b); b = a + 1; a = square(2); }), 9);
}

#[test]
fn empty_graph_has_no_outputs() {
    let outcome = graph! {}.everywhere();
    assert_eq!(format!("{:?}", outcome.into_values().unwrap()), "Values");
}

#[test]
fn graph_may_run_again_and_be_cloned() {
    let graph = graph! { a = square(3); b = a + 1; };
    let other = graph.clone();
    assert_eq!(graph.everywhere().b, Ok(10));
    assert_eq!(graph.everywhere().b, Ok(10));
    assert_eq!(other.everywhere().a, Ok(9));
}

#[test]
fn statements_have_their_source() {
    let graph = graph! {
        a = square( 3 );
        pub b = add(a, 1) @ 2;
    };
    let tasks = graph.statements().unwrap();
    assert_eq!(tasks[0].source, "square( 3 )");
    assert_eq!((tasks[1].name, tasks[1].source), ("b", "add(a, 1)"));
    assert_eq!((tasks[0].output, tasks[1].output), (false, true));
    assert_eq!((tasks[0].line + 1, tasks[0].column), (tasks[1].line, 9));
    assert!(tasks[0].file.ends_with("main.rs"));
}
