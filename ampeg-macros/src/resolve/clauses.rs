//! Names in clauses: they are evaluated where the graph stands, before any task runs, so none can mean a task.

use crate::body::{self, Use, Visitor};
use crate::diagnostics::Diagnostics;
use crate::syntax::{Clauses, Via};
use std::collections::HashMap;
use syn::{Expr, ExprReturn};

/// Reports each task that a clause names.
pub(super) fn resolve(
    clauses: &Clauses,
    tasks: &HashMap<String, usize>,
    diagnostics: &mut Diagnostics,
) {
    let mut reject = |what, expression: &Expr| {
        let mut names = Names {
            what,
            tasks,
            diagnostics,
        };
        body::walk(&mut expression.clone(), &mut names);
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

/// Looks for tasks in one clause.
struct Names<'a> {
    /// What the clause gives, as a message calls it.
    what: &'static str,
    tasks: &'a HashMap<String, usize>,
    diagnostics: &'a mut Diagnostics,
}

impl Visitor for Names<'_> {
    fn is_task(&self, name: &str) -> bool {
        self.tasks.contains_key(name)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        if self.is_task(used.path) {
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
