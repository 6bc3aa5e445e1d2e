//! What a resolved graph must satisfy: no cycle, clauses that make sense, literals in range.
//!
//! What is no literal is checked when the graph is first used.

use crate::cycle;
use crate::diagnostics::Diagnostics;
use crate::resolve::{Graph, Task};
use crate::suggest;
use crate::syntax::{Clause, Via, name_of};
use std::collections::HashSet;
use syn::{Expr, Ident, Lit, UnOp};

/// Checks a graph; returns its tasks in topological order, unless there is a cycle.
pub(crate) fn check(graph: &Graph, diagnostics: &mut Diagnostics) -> Option<Vec<usize>> {
    for task in &graph.tasks {
        check_clauses(graph, task, diagnostics);
    }
    let predecessors = |task: usize| {
        let inputs = &graph.tasks[task].dependencies;
        inputs.iter().map(|input| input.index)
    };
    let (order, cycles) = cycle::sort(graph.tasks.len(), predecessors);
    for cycle in &cycles {
        report_cycle(graph, cycle, diagnostics);
    }
    cycles.is_empty().then_some(order)
}

/// Marks each dependency of a cycle where it is used; the first mark tells the whole path.
fn report_cycle(graph: &Graph, cycle: &[usize], diagnostics: &mut Diagnostics) {
    let name = |task: usize| graph.tasks[task].name();
    let use_of = |task: usize, predecessor: usize| {
        let inputs = &graph.tasks[task].dependencies;
        inputs.iter().find(|input| input.index == predecessor)
    };
    if let [task] = *cycle {
        let span = use_of(task, task).map(|input| input.span);
        let span = span.unwrap_or_else(|| graph.tasks[task].statement.name.span());
        let name = name(task);
        diagnostics.error_at(
            span,
            format!("task `{name}` depends on itself: `{name} → {name}`"),
        );
        return;
    }
    let path: Vec<String> = cycle
        .iter()
        .chain([&cycle[0]])
        .map(|&task| name(task))
        .collect();
    let path = path.join(" → ");
    for (position, &task) in cycle.iter().enumerate() {
        let predecessor = cycle[(position + cycle.len() - 1) % cycle.len()];
        let Some(input) = use_of(task, predecessor) else {
            continue;
        };
        let needs = format!("`{}` needs `{}` here", name(task), name(predecessor));
        let message = match position {
            0 => format!("tasks depend on each other in a cycle, `{path}`: {needs}"),
            _ => format!("{needs}, on the cycle `{path}`"),
        };
        diagnostics.error_at(input.span, message);
    }
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
    let name = task.name();
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
                if !seen.insert(name_of(dependency)) {
                    let message =
                        format!("`{dependency}` is given twice in `via` of task `{name}`");
                    diagnostics.error(dependency, message);
                }
            }
        }
    }
}

fn check_via_name(graph: &Graph, task: &Task, dependency: &Ident, diagnostics: &mut Diagnostics) {
    let names: Vec<String> = task
        .dependencies
        .iter()
        .map(|input| graph.tasks[input.index].name())
        .collect();
    let word = name_of(dependency);
    if names.contains(&word) {
        return;
    }
    let end = suggest::nearest(&word, names.iter().map(String::as_str)).map_or_else(
        || format!("it depends on `{}`", names.join("`, `")),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("`{}` does not depend on `{word}`; {end}", task.name());
    diagnostics.error(dependency, message);
}

fn check_cost(cost: &Expr, diagnostics: &mut Diagnostics) {
    check_number(cost, "a cost", diagnostics);
}

fn check_within(duration: &Expr, diagnostics: &mut Diagnostics) {
    check_number(duration, "a duration", diagnostics);
}

/// The largest cost that the runtime accepts.
const LARGEST: f64 = 1e100;

fn check_number(expression: &Expr, what: &str, diagnostics: &mut Diagnostics) {
    let Some(value) = literal(expression) else {
        return;
    };
    if value < 0.0 {
        diagnostics.error(expression, format!("{what} cannot be negative"));
    } else if !value.is_finite() {
        diagnostics.error(expression, format!("{what} must be finite"));
    } else if value > LARGEST {
        diagnostics.error(expression, format!("{what} can be at most 1e100"));
    }
}

fn check_retry(count: &Expr, diagnostics: &mut Diagnostics) {
    let Some(value) = literal(count) else {
        return;
    };
    if value < 0.0 || value.fract() != 0.0 || is_float(count) || value > f64::from(u32::MAX) {
        let message = format!("`retry` takes a whole number from 0 to {}", u32::MAX);
        diagnostics.error(count, message);
    }
}

/// The value of a literal number, with or without a sign; `None` for any other expression.
pub(crate) fn literal(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_digits().parse().ok(),
            Lit::Float(number) => number.base10_digits().parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            literal(&unary.expr).map(|value| -value)
        }
        Expr::Paren(inner) => literal(&inner.expr),
        Expr::Group(inner) => literal(&inner.expr),
        _ => None,
    }
}

fn is_float(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(literal) => matches!(literal.lit, Lit::Float(_)),
        Expr::Unary(unary) => is_float(&unary.expr),
        Expr::Paren(inner) => is_float(&inner.expr),
        Expr::Group(inner) => is_float(&inner.expr),
        _ => false,
    }
}
