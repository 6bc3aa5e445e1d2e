//! Generated names never clash with the user's, and lints are silent about generated code.

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

use crate::{Everywhere, square};
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
    let values = values.everywhere().into_values().unwrap();
    assert_eq!(values.names, [15, 15, 9]);
    assert_eq!(values.capture0, (Types, Outputs, 15));
}

#[test]
fn families_and_groups_are_silent_too() {
    let (n, site, level, range) = (3_usize, 1, 3, 4);
    let weights = [0.5, 1.0, 1.5];
    let values = graph! {
        part[i in 0..n] = i + site + 2 @ weights[i] within 60 retry 1;
        first = part[0];
        x[0] = level;
        x[t in 1..n] = if t == 1 { range } else { x[t - 1] + first };
        zero[_t in 1..n] = 0;
        fixed[0] = (part[..=1].len(), x[1..].to_vec());
        group[i in 0..n]: {
            slot0 = part[i] + i;
            index0[j in (0..=i).rev()] = slot0 * j;
            inner: { sum = index0.iter().sum::<usize>(); }
            chosen = if i > 0 && i != 2 { group[i - 1].slot0 } else { slot0 };
        }
        total = group.inner.sum.len() via 2 * n;
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!(values.part, [3, 4, 5]);
    assert_eq!(values.x, [3, 4, 7]);
    assert_eq!(values.fixed, [(2, vec![4, 7])]);
    assert_eq!(values.group[2].index0, [0, 7, 14]);
    assert_eq!((values.group[1].chosen, values.group[2].chosen), (3, 7));
    assert_eq!((values.group[2].inner.sum, values.total), (21, 3));
}

/// Generated code does not depend on names of the prelude, which this module redefines.
#[allow(
    non_camel_case_types,
    dead_code,
    reason = "they shadow what generated code could mean"
)]
mod shadowed {
    use crate::Everywhere;
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
        assert_eq!(graph.everywhere().c, Ok((3, 5, 3)));
        let graph = graph! {
            x[i in 0..n] = i;
            g[i in 0..n]: { y = if i > 0 { x[i - 1] } else { 7 }; }
            pub z = [g[1].y, x[0]];
        };
        assert_eq!(graph.everywhere().z, Ok([0, 0]));
    }
}

#[test]
fn graphs_stand_in_closures_loops_and_expressions() {
    let run = |n: i64| {
        graph! { a = square(n); pub b = a + n; }
            .run_inline()
            .map(|outcome| outcome.b)
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
    assert_eq!(chain!(a, b, k + 1).everywhere().b, Ok(10));
}

#[test]
fn captures_of_one_name_from_different_macros_are_different() {
    macro_rules! scaled {
        ($more:expr) => {{
            let x = 10;
            graph! { y = x * 100 + $more; text = format!("{x} {}", $more); }
        }};
    }
    let x = 1;
    let values = scaled!(x + 2).everywhere().into_values().unwrap();
    assert_eq!((values.y, values.text.as_str()), (1003, "10 3"));
}

#[test]
fn statements_that_are_added_to_a_macro_s_graph_use_its_tasks() {
    macro_rules! station {
        ($value:expr; $($more:tt)*) => {
            graph! { raw = vec![$value; 3]; tidy = raw.iter().map(|x| x * 2).collect::<Vec<i32>>(); $($more)* }
        };
    }
    let raw = 5;
    let outcome =
        station! { raw; pub n = tidy.len(); pub all: Vec<i32> = [&raw[..], &tidy].concat(); };
    let outcome = outcome.everywhere();
    assert_eq!(outcome.n, Ok(3));
    assert_eq!(outcome.all, Ok(vec![5, 5, 5, 10, 10, 10]));
}

#[test]
fn macros_pass_names_and_bodies_of_tasks() {
    macro_rules! doubled {
        ($name:ident: $ty:ty = $body:expr, $cost:literal) => {
            graph! { $name: $ty = $body @ $cost; double = 2 * $name; }
        };
    }
    let n = 3;
    let values = doubled!(first: i64 = square(n) + 1, 2.5)
        .everywhere()
        .into_values()
        .unwrap();
    assert_eq!((values.first, values.double), (10, 20));
}

/// A name from a macro and the same name from its caller are two names, whatever they mean.
mod names_of_one_spelling {
    use crate::Everywhere;
    use ampeg::graph;

    #[test]
    fn select_different_members() {
        macro_rules! two {
            ($k:ident) => {{
                let k = 1;
                graph! { part[i in 0..3] = i; sum = part[k] * 10 + part[$k]; }
            }};
        }
        let k = 2;
        assert_eq!(two!(k).everywhere().sum, Ok(12));
    }

    #[test]
    fn are_different_conditions() {
        macro_rules! two {
            ($k:ident) => {{
                let k = false;
                graph! {
                    part[t in 0..2] = 7 + t;
                    pub sum[t in 0..2] = (if $k { part[t] } else { 0 }) + (if k { part[t] } else { 100 });
                }
            }};
        }
        let k = true;
        assert_eq!(two!(k).everywhere().sum, [Ok(107), Ok(108)]);
    }

    #[test]
    fn are_different_parts() {
        macro_rules! two {
            ($k:ident) => {{
                let k = 1;
                graph! { _a = (vec![10, 20, 30], 5); pub b = _a.0[k] * 100 + _a.0[$k]; }
            }};
        }
        let k = 2;
        assert_eq!(two!(k).everywhere().b, Ok(2030));
    }

    #[test]
    fn mean_a_task_or_index_or_what_is_around() {
        macro_rules! with_task {
            ($a:expr) => {
                graph! { a = 1; g: { i = 2; b = a * 100 + i * 10 + $a; } text = format!("{a} {}", $a); }
            };
        }
        macro_rules! with_index {
            ($i:expr) => {
                graph! { part[i in 0..3] = i; pub sum[i in 0..3] = part[$i] * 10 + part[i] + $i; }
            };
        }
        let (a, i) = (7, 2);
        let values = with_task!(a).everywhere().into_values().unwrap();
        assert_eq!((values.g.b, values.text.as_str()), (127, "1 7"));
        assert_eq!(with_task!(i).everywhere().g.b, Ok(122));
        assert_eq!(with_index!(i).everywhere().sum, [Ok(22), Ok(23), Ok(24)]);
    }

    #[test]
    fn are_different_variables_of_a_body() {
        macro_rules! local {
            ($k:ident, $value:expr) => {
                graph! {
                    part[i in 0..3] = i;
                    a = { let k = 1; part[$value] + k * 100 };
                    b = { let k = 1; let $k = 2; k + $k * 10 };
                    c = { let k = 1; let $k = 2; $k + k * 10 };
                }
            };
        }
        let k = 2;
        let outcome = local!(k, k).everywhere();
        assert_eq!(
            (&outcome.a, &outcome.b, &outcome.c),
            (&Ok(102), &Ok(21), &Ok(12))
        );
        let merged = local!(k, k).merge_duplicates().run_inline().unwrap();
        assert_eq!((&merged.b, &merged.c), (&Ok(21), &Ok(12)));
    }
}
