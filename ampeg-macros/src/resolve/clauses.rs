//! Names in clauses and ranges: they are evaluated where the graph stands, before any task runs, so none can mean a task.

use super::scope::Scope;
use crate::body::{self, Meaning, Segment, Use, Visitor};
use crate::diagnostics::Diagnostics;
use crate::syntax::{Clauses, Via};
use syn::{Expr, ExprReturn, Ident};

/// Reports each task that a clause names.
pub(super) fn resolve(clauses: &Clauses, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    let mut reject = |what, expression: &Expr| reject(what, expression, scope, diagnostics);
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

/// Reports each task that the values of an index depend on, and what would leave the graph.
pub(super) fn resolve_index(values: &Expr, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    reject("an index", values, scope, diagnostics);
    reject_exit(values, diagnostics);
}

/// Reports what would leave an index before its end.
pub(super) fn reject_exit(index: &Expr, diagnostics: &mut Diagnostics) {
    if let Some(span) = body::first_exit(index) {
        let message = "an index is evaluated where the graph stands, so nothing can leave it";
        diagnostics.error_at(span, message);
    }
}

fn reject(what: &'static str, expression: &Expr, scope: Scope<'_>, diagnostics: &mut Diagnostics) {
    let mut names = Names {
        what,
        scope,
        diagnostics,
    };
    body::walk(&mut expression.clone(), &mut names);
}

/// Looks for tasks in one clause.
struct Names<'a> {
    /// What the clause gives, as a message calls it.
    what: &'static str,
    scope: Scope<'a>,
    diagnostics: &'a mut Diagnostics,
}

impl Visitor for Names<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.scope.meaning(root, segments)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        if let Meaning::Task(_) = used.meaning {
            let message = format!(
                "{} cannot depend on task `{}`: it is evaluated before any task runs",
                self.what, used.path
            );
            self.diagnostics.error_at(used.span(), message);
        }
        None
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}
