//! Tests of each stage on tokens: its errors, and the tokens that they point to. No compiler is run.

mod check;
mod expansion;
mod families;
mod names;
mod numbers;
mod outside;
mod parse;
mod parts;
mod random;

use crate::diagnostics::Diagnostics;
use crate::resolve::Graph;
use crate::{check as stage, parse as grammar, resolve};
use proc_macro2::TokenStream;

/// Parses, resolves and checks a graph; returns it and its errors, as `token @ message`.
fn analyse(source: &str) -> (Graph, Vec<String>) {
    let tokens: TokenStream = source.parse().expect("test source should be tokens");
    let mut diagnostics = Diagnostics::default();
    let items = grammar::parse(tokens, &mut diagnostics);
    let graph = resolve::resolve(items, &mut diagnostics);
    stage::check(&graph, &mut diagnostics);
    (graph, diagnostics.to_test_lines())
}

/// The errors of a graph, as `token @ message`.
#[track_caller]
fn check_errors(source: &str, expected: &[&str]) {
    let (_, errors) = analyse(source);
    assert_eq!(errors, expected, "errors of: {source}");
}
