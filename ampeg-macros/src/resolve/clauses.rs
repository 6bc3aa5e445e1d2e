//! Names in clauses and ranges. These are evaluated before any task runs, so they cannot use a task.

use super::scope::Scope;
use crate::body::{self, Locals, Unknown, Why};
use crate::diagnostics::Diagnostics;
use crate::syntax::{Clauses, Via};
use proc_macro2::Span;
use syn::Expr;

/// Reports each task that a clause names.
pub(super) fn resolve(clauses: &Clauses, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    let mut reject = |what, expression: &Expr| {
        reject(what, expression, scope, diagnostics);
    };
    if let Some(cost) = &clauses.cost {
        reject("a cost", &cost.operand);
    }
    match clauses.via.as_ref().map(|via| &via.operand) {
        Some(Via::All(cost)) => reject("a cost", cost),
        Some(Via::Each(costs)) => costs.iter().for_each(|(_, cost)| reject("a cost", cost)),
        None => {}
    }
    if let Some(within) = &clauses.within {
        reject("a time limit", &within.operand);
    }
    if let Some(retry) = &clauses.retry {
        reject("a number of retries", &retry.operand);
    }
}

/// Reports each task that the values of an index depend on, and each `?`, `return` and `.await`.
pub(super) fn resolve_index(values: &Expr, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    for unknown in reject("an index", values, scope, diagnostics) {
        if unknown.why == Why::Exit {
            report_exit(unknown.span, diagnostics);
        }
    }
}

/// Reports a `?`, `return` or `.await` in an index.
pub(super) fn report_exit(span: Span, diagnostics: &mut Diagnostics) {
    let message = "an index is evaluated where the graph stands, so nothing can leave it";
    diagnostics.error_at(span, message);
}

/// Reports each task that an expression names; returns all reasons why it is not known where the graph stands.
fn reject(
    what: &str,
    expression: &Expr,
    scope: Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Unknown> {
    let unknown = body::outside(expression, &Locals::default(), &scope);
    let unknown = unknown.err().unwrap_or_default();
    for Unknown { name, span, why } in &unknown {
        if *why == Why::Task {
            let message = format!(
                "{what} cannot depend on task `{name}`: it is evaluated before any task runs"
            );
            diagnostics.error_at(*span, message);
        }
    }
    unknown
}
