//! Generated names clash with nobody's, and lints of the user's crate stay silent about generated code.

#![deny(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    unused_qualifications,
    missing_debug_implementations,
    unreachable_pub,
    single_use_lifetimes,
    trivial_casts
)]

use crate::square;
use ampeg::graph;

#[test]
fn user_names_are_those_of_generated_code() {
    #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Types;
    #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Outputs;
    fn call(x: i64) -> i64 {
        x
    }
    let (inputs, types, dispatch, costs, results) = (1, 2, 3, 4, 5);
    let values = graph! {
        task0 = inputs + types + dispatch + costs + results;
        call = call(task0);
        capture0 = (Types, Outputs, call);
        this = square(3);
        names = [task0, call, this];
    };
    let values = values.run_inline().unwrap().into_values().unwrap();
    assert_eq!(values.names, [15, 15, 9]);
    assert_eq!(values.capture0, (Types, Outputs, 15));
}

/// No prelude name is trusted.
#[allow(
    non_camel_case_types,
    dead_code,
    reason = "they shadow what generated code could mean"
)]
mod shadowed {
    use ampeg::graph;

    struct Result;
    struct Option;
    struct Some;
    struct Vec;
    mod std {}
    mod core {}
    mod ampeg_runtime {}
    trait Clone {}
    trait Default {}
    const fn vec() {}

    #[test]
    fn prelude_may_be_shadowed() {
        let n = 2;
        let graph = graph! { a = n + 1; b = a + n; pub c = (a, b, a); };
        assert_eq!(graph.run_inline().unwrap().c, Ok((3, 5, 3)));
    }
}

#[test]
fn graphs_stand_in_closures_loops_and_expressions() {
    let run = |n: i64| {
        graph! { a = square(n); pub b = a + n; }
            .run_inline()
            .map(|outcome| outcome.b.clone())
    };
    let total: i64 = (1..4).map(|n| run(n).unwrap().unwrap()).sum();
    assert_eq!(total, 20);
}

#[test]
fn graph_is_made_by_a_macro() {
    macro_rules! chain {
        ($first:ident, $second:ident, $value:expr) => {
            graph! { $first = square($value); $second = $first + 1; }
        };
    }
    let k = 2;
    assert_eq!(chain!(a, b, k + 1).run_inline().unwrap().b, Ok(10));
}
