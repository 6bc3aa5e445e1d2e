//! The names that are known where the graph stands, and those that are not.

use super::{analyse, check_errors};

/// Checks that the body selects members by names that it declares itself, and that each is reported.
#[track_caller]
fn check(body: &str, unknown: &[&str]) {
    let source = format!("x[i in 0..3] = i; g[s in 0..3]: {{ y[j in 0..3] = j; }} b = {body};");
    let (_, errors) = analyse(&source);
    let lines: Vec<&str> = errors
        .iter()
        .map(|error| {
            error
                .split_once(" @ which members of ")
                .map_or(&**error, |(name, _)| name)
        })
        .collect();
    assert_eq!(lines, unknown, "errors of: {source}");
}

#[test]
fn items_of_the_body_select_no_members() {
    check("{ const K: usize = 2; x[K] }", &["K"]);
    check("{ let y = x[K]; const K: usize = 2; y }", &["K"]);
    check("{ static K: usize = 2; x[..K] }", &["K"]);
    check("{ fn f() -> usize { 2 } x[f()] }", &["f"]);
    check(
        "{ extern \"C\" { fn f() -> usize; static K: usize; } x[f()] + x[K] }",
        &["f", "K"],
    );
    check("{ use n::K; x[K] }", &["K"]);
    check("{ use n::{self, m as k}; x[n::K] + x[k::K] }", &["n", "k"]);
    check("{ use std::convert::identity as at; x[at(2)] }", &["at"]);
    check("{ enum E { A } x[E::A as usize] }", &["E"]);
    check("{ struct P(usize); x[P(2).0] }", &["P"]);
    check("{ struct P { k: usize } x[P { k: 2 }.k] }", &["P"]);
    check("{ type T = u8; x[size_of::<T>()] }", &["T"]);
    check(
        "{ trait Size { const N: usize; } x[<u8 as Size>::N] }",
        &["Size"],
    );
    check("{ mod m { pub const K: usize = 2; } x[m::K] }", &["m"]);
    check("{ macro_rules! k { () => { 2 } } x[k!()] }", &["k"]);
    check("{ extern crate core as k; x[k::K] }", &["k"]);
    check("{ const K: usize = 2; { x[1 + (K - 1)] } }", &["K"]);
    check(
        "{ const K: usize = 2; x[match 2 { K => 1, _ => 0 }] }",
        &["K"],
    );
    check(
        "{ const K: usize = 2; x[format!(\"{K}\").len()] }",
        &["\"{K}\""],
    );
    check("{ const K: usize = 2; vec![other! { x[K] }] }", &["K"]);
    check(
        "{ const K: usize = 2; g[K].y[0] + g[0].y[K] + g[K].y[K] }",
        &["K", "K", "K", "K"],
    );
    check("({ const K: usize = 2; K }) + x[K]", &[]);
    check("{ const K: usize = 2; x[n::K] + x[0].K }", &[]);
}

#[test]
fn variables_of_the_body_select_no_members() {
    check("{ let k = 2; x[k] }", &["k"]);
    check("{ let r#k = 2; x[k] }", &["k"]);
    check("{ let y = x[k]; let k = 2; y + k }", &[]);
    check("{ let k = x[k]; k }", &[]);
    check("(0..3).map(|k| x[k]).sum()", &["k"]);
    check("(0..3).map(|k: usize| g[0].y[..=k].len()).sum()", &["k"]);
    check("{ for k in 0..3 { f(x[k]); } }", &["k"]);
    check("if let Some(k) = f() { x[k] } else { x[k] }", &["k"]);
    check("match f() { Some(k) => x[k], None => x[k] }", &["k"]);
    check("{ let k = 2; x[f(|| k)] }", &["k"]);
    check("{ let i = 2; x[i] }", &["i"]);
    check("{ let f = |n| n; x[(f)(2)] }", &["f"]);
}

#[test]
fn names_from_globs_and_macros_are_unknown() {
    check("{ use n::*; x[K] }", &["K"]);
    check("{ use n::*; x[f()] }", &["f"]);
    check("{ use n::{m::*}; x[k!()] + x[m::k] }", &["k", "m"]);
    check("{ use n::*; x[k] + x[k as usize] + x[Self::N] }", &[]);
    check("{ define!(K); x[K] + x[L] + x[k] }", &["K", "L"]);
    check("{ define! { k = 2 } x[k] }", &["k"]);
    check("{ println!(\"{K}\"); assert!(f()); x[K] }", &[]);
}

#[test]
fn conditions_with_names_of_the_body_decide_nothing() {
    let conditions = |body: &str| {
        let (graph, errors) = analyse(&format!("x[i in 0..3] = i; y[t in 0..3] = {body};"));
        assert_eq!(errors, [] as [String; 0], "errors of: {body}");
        let input = &graph.tasks[1].dependencies[0];
        let texts = input.conditions.iter().map(crate::body::Condition::text);
        texts.collect::<Vec<_>>()
    };
    assert_eq!(
        conditions("if FLAG && t > 0 { x[t] } else { 0 }"),
        ["(FLAG && t > 0)"]
    );
    assert_eq!(
        conditions("{ const FLAG: bool = true; if FLAG { x[t] } else { 0 } }"),
        [""; 0]
    );
    assert_eq!(
        conditions("{ use n::*; if FLAG && t > 0 { x[t] } else { 0 } }"),
        ["(t > 0)"]
    );
    assert_eq!(
        conditions("{ fn f() -> bool { true } if f() { x[t] } else { 0 } }"),
        [""; 0]
    );
    assert_eq!(
        conditions("{ use n::f; (t > 0 && f()) && x[t] }"),
        ["(t > 0)"]
    );
    assert_eq!(
        conditions("(0..3).any(|t| if t > 0 { x[0] } else { 0 })"),
        [""; 0]
    );
}

#[test]
fn clauses_and_ranges_name_no_task() {
    check_errors(
        "k = 3; a = f() @ { let k = 2; k }; b = f() @ g(k) within h!(k) retry 1;",
        &[
            "k @ a cost cannot depend on task `k`: it is evaluated before any task runs",
            "k @ a time limit cannot depend on task `k`: it is evaluated before any task runs",
        ],
    );
}

#[test]
fn brackets_in_brackets_take_no_exponential_time() {
    let nested = |name: &str| (0..60).fold("0".to_owned(), |inner, _| format!("{name}[{inner}]"));
    check(&nested("k"), &[]);
    check(&format!("x[{}]", nested("k")), &[]);
    let (_, errors) = analyse(&format!("x[i in 0..3] = i; y = {};", nested("x")));
    assert!(errors[0].starts_with("x @ which members of `x` are used"));
    let ifs = (0..60).fold("x[0]".to_owned(), |inner, i| {
        format!("if i > {i} && (i < 9 || {{ i == 1 }}) {{ {inner} }} else {{ 0 }}")
    });
    analyse(&format!("x[i in 0..3] = i; y[i in 0..3] = {ifs};"));
}
