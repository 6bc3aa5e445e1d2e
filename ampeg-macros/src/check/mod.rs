//! The checks of a resolved graph: no cycle, `via` only for inputs, literals in range.
//!
//! The runtime checks expressions that are no literals when the graph is first used.

mod cycles;

use crate::diagnostics::Diagnostics;
use crate::order::Order;
use crate::resolve::{Graph, Task};
use crate::suggest;
use crate::syntax::{Clause, Dependency, Via, path_of};
use std::collections::HashSet;
use syn::{Expr, Lit, UnOp};

/// Checks a graph; returns the order of its types, unless there is a cycle.
pub(crate) fn check(graph: &Graph, diagnostics: &mut Diagnostics) -> Option<Order> {
    for task in &graph.tasks {
        check_clauses(graph, task, diagnostics);
    }
    let is_acyclic = cycles::check(graph, diagnostics);
    is_acyclic.then(|| Order::of(graph))
}

fn check_clauses(graph: &Graph, task: &Task, diagnostics: &mut Diagnostics) {
    let clauses = &task.statement.clauses;
    if let Some(Clause { operand, .. }) = &clauses.cost {
        check_cost(operand, diagnostics);
    }
    if let Some(via) = &clauses.via {
        check_via(graph, task, via, diagnostics);
    }
    if let Some(Clause { operand, .. }) = &clauses.within {
        check_within(operand, diagnostics);
    }
    if let Some(Clause { operand, .. }) = &clauses.retry {
        check_retry(operand, diagnostics);
    }
}

fn check_via(graph: &Graph, task: &Task, via: &Clause<Via>, diagnostics: &mut Diagnostics) {
    let name = graph.name(task);
    if task.dependencies.is_empty() {
        let message =
            format!("`{name}` depends on no task, so there is nothing that `via` could cost");
        diagnostics.error_at(via.keyword, message);
    }
    match &via.operand {
        Via::All(cost) => check_cost(cost, diagnostics),
        Via::Each(costs) => {
            let mut seen = HashSet::new();
            for (dependency, cost) in costs {
                check_cost(cost, diagnostics);
                if !task.dependencies.is_empty() {
                    check_via_name(graph, task, dependency, diagnostics);
                }
                let path = path_of(dependency);
                if !seen.insert(path.clone()) {
                    let message = format!("`{path}` is given twice in `via` of task `{name}`");
                    diagnostics.error(dependency, message);
                }
            }
        }
    }
}

fn check_via_name(
    graph: &Graph,
    task: &Task,
    dependency: &Dependency,
    diagnostics: &mut Diagnostics,
) {
    let path: Vec<_> = dependency.iter().collect();
    let meant = graph.scope(task).family(&path);
    if task
        .dependencies
        .iter()
        .any(|input| Some(input.index) == meant)
    {
        return;
    }
    let mut names: Vec<&str> = Vec::new();
    for input in &task.dependencies {
        if !names.contains(&&*input.path) {
            names.push(&input.path);
        }
    }
    let word = path_of(dependency);
    let end = suggest::nearest(&word, names.iter().copied()).map_or_else(
        || format!("it depends on `{}`", names.join("`, `")),
        |near| format!("did you mean `{near}`?"),
    );
    let name = graph.name(task);
    let message = format!("`{name}` does not depend on `{word}`; {end}");
    diagnostics.error(dependency, message);
}

fn check_cost(cost: &Expr, diagnostics: &mut Diagnostics) {
    check_number(cost, "a cost", diagnostics);
}

fn check_within(duration: &Expr, diagnostics: &mut Diagnostics) {
    check_number(duration, "a duration", diagnostics);
}

/// The largest cost that the runtime accepts.
pub(crate) const LARGEST: f64 = 1e100;

fn check_number(expression: &Expr, what: &str, diagnostics: &mut Diagnostics) {
    let Some(number) = number(expression) else {
        return;
    };
    let Number { value, text, .. } = number;
    if number.has_unit {
        let message = format!(
            "`{text}` is no number: {what} is a plain number or a `Duration`, as in `Duration::from_millis(10)`"
        );
        diagnostics.error(expression, message);
        return;
    }
    if value < 0.0 {
        diagnostics.error(expression, format!("{what} cannot be negative"));
    } else if !value.is_finite() {
        diagnostics.error(expression, format!("{what} must be finite"));
    } else if value > LARGEST {
        diagnostics.error(expression, format!("{what} can be at most 1e100"));
    }
}

fn check_retry(count: &Expr, diagnostics: &mut Diagnostics) {
    let Some(number) = number(count) else {
        return;
    };
    let is_whole = number.value.fract() == 0.0 && !number.is_float && !number.has_unit;
    if !is_whole || !(0.0..=f64::from(u32::MAX)).contains(&number.value) {
        let message = format!("`retry` takes a whole number from 0 to {}", u32::MAX);
        diagnostics.error(count, message);
    }
}

/// A literal number, with or without a sign.
struct Number {
    value: f64,
    /// The number as written, without its sign.
    text: String,
    is_float: bool,
    /// Whether its suffix is no type, as in `10ms`.
    has_unit: bool,
}

fn number(expression: &Expr) -> Option<Number> {
    const SUFFIXES: [&str; 15] = [
        "", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
        "f32", "f64",
    ];
    match expression {
        Expr::Lit(literal) => {
            let (digits, text, suffix) = match &literal.lit {
                Lit::Int(int) => (int.base10_digits(), int.to_string(), int.suffix()),
                Lit::Float(float) => (float.base10_digits(), float.to_string(), float.suffix()),
                _ => return None,
            };
            Some(Number {
                value: digits.parse().ok()?,
                text,
                is_float: matches!(literal.lit, Lit::Float(_)),
                has_unit: !SUFFIXES.contains(&suffix),
            })
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            let number = number(&unary.expr)?;
            let value = -number.value;
            Some(Number { value, ..number })
        }
        Expr::Paren(inner) => number(&inner.expr),
        Expr::Group(inner) => number(&inner.expr),
        _ => None,
    }
}

/// The value of a literal number, with or without a sign; `None` for any other expression.
pub(crate) fn literal(expression: &Expr) -> Option<f64> {
    number(expression).map(|number| number.value)
}
