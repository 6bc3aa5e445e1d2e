//! The costs and limits of tasks that are no families, in as few calls as may be: rustc's work grows with each.
//!
//! Numbers go as lists of them; of a thousand statements without other costs, nothing but two lists is left.

use super::clauses::{cost_of, expand_cost, expand_limits, expand_number};
use super::generated;
use crate::check;
use crate::resolve::{Graph, Task};
use crate::syntax::Via;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Expr;

/// Statements one after the other whose costs are numbers as they stand, and that have no limits.
#[derive(Default)]
pub(super) struct Numbers {
    costs: Vec<f64>,
    /// Of all slots, one statement after the other.
    vias: Vec<f64>,
}

impl Numbers {
    /// Takes a task; false if something must be evaluated for it.
    pub(super) fn take(&mut self, graph: &Graph, task: &Task) -> bool {
        let clauses = &task.statement.clauses;
        if !task.is_plain() || clauses.within.is_some() || clauses.retry.is_some() {
            return false;
        }
        let cost = clauses
            .cost
            .as_ref()
            .map_or(Some(1.0), |cost| number(&cost.operand));
        let (Some(cost), Some(vias)) = (cost, vias(graph, task)) else {
            return false;
        };
        self.costs.push(cost);
        self.vias.extend(vias);
        true
    }

    /// Tells all that were taken, if any were.
    pub(super) fn expand(&mut self) -> Option<TokenStream> {
        let (costs, vias) = (
            std::mem::take(&mut self.costs),
            std::mem::take(&mut self.vias),
        );
        (!costs.is_empty()).then(|| {
            quote_spanned!(Span::mixed_site()=> ampeg_site.tasks(&[#(#costs),*], &[#(#vias),*]);)
        })
    }
}

/// A task of which something must be evaluated.
pub(super) fn expand(graph: &Graph, index: usize, task: &Task) -> TokenStream {
    let clauses = &task.statement.clauses;
    let cost = clauses.cost.as_ref();
    let cost = cost.map_or_else(|| expand_number(1.0), |clause| expand_cost(&clause.operand));
    let limits = expand_limits(task).into_iter();
    let shared = shared_cost(task).map(|cost| (generated("via", index), expand_cost(cost)));
    let via = match (vias(graph, task), shared) {
        (Some(vias), _) if vias.is_empty() => TokenStream::new(),
        (Some(vias), _) => quote_spanned!(Span::mixed_site()=> ampeg_site.vias(&[#(#vias),*]);),
        (None, Some((name, cost))) => {
            let costs = task
                .dependencies
                .iter()
                .map(|_| quote_spanned!(Span::mixed_site()=> ::core::clone::Clone::clone(&#name)));
            quote_spanned!(Span::mixed_site()=> let #name = #cost; #(ampeg_site.via(#costs);)*)
        }
        (None, None) => {
            let costs = task.dependencies.iter().map(|input| {
                cost_of(graph, task, input).map_or_else(|| expand_number(0.0), expand_cost)
            });
            quote_spanned!(Span::mixed_site()=> #(ampeg_site.via(#costs);)*)
        }
    };
    quote_spanned!(Span::mixed_site()=> { ampeg_site.task(#cost); #via #(ampeg_site.limit(#limits);)* })
}

/// The cost that all dependencies of a task share, if it is evaluated once for them.
fn shared_cost(task: &Task) -> Option<&Expr> {
    match &task.statement.clauses.via.as_ref()?.operand {
        Via::All(cost) => Some(cost),
        Via::Each(_) => None,
    }
}

/// What moving each dependency costs, if all are numbers as they stand.
fn vias(graph: &Graph, task: &Task) -> Option<Vec<f64>> {
    let inputs = task.dependencies.iter();
    inputs
        .map(|input| cost_of(graph, task, input).map_or(Some(0.0), number))
        .collect()
}

/// A number as it stands; one that is not finite has been reported.
fn number(expression: &Expr) -> Option<f64> {
    check::literal(expression).map(|number| if number.is_finite() { number } else { 0.0 })
}
