//! The costs and limits of statements without indices, in few calls, since rustc's time grows with each call.
//!
//! Literal costs are passed as lists of numbers. Other costs are evaluated before, each in a call that leaves nothing to
//! drop.

use super::clauses::{cost_of, expand_limits};
use super::lints;
use crate::check;
use crate::origin;
use crate::resolve::{Graph, Task};
use crate::syntax::Via;
use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::Expr;
use syn::spanned::Spanned;

/// In a list of costs: the next evaluated cost. Literal costs are not negative.
///
/// The runtime has the same constants; a test compares them.
pub(crate) const NEXT: f64 = -1.0;
/// In a list of costs: the last evaluated cost once more.
pub(crate) const AGAIN: f64 = -2.0;
/// In a list of costs: no cost is written.
pub(crate) const UNWRITTEN: f64 = -3.0;

/// Consecutive statements that are one task each.
#[derive(Default)]
pub(super) struct Unindexed {
    costs: Vec<f64>,
    /// The costs of moving all inputs, statement by statement.
    vias: Vec<f64>,
    /// The code that evaluates costs: for each statement in order, the cost of the task and then those of its inputs.
    evaluated: Vec<TokenStream>,
}

impl Unindexed {
    /// Adds a task; returns the code for all that were added if the task has limits, since these belong to the last task.
    pub(super) fn take(&mut self, graph: &Graph, task: &Task) -> Option<TokenStream> {
        let cost = task.statement.clauses.cost.as_ref();
        let cost = cost.map_or(UNWRITTEN, |cost| self.number_of(&cost.operand));
        self.costs.push(cost);
        let is_shared = matches!(
            task.statement.clauses.via.as_ref().map(|via| &via.operand),
            Some(Via::All(_))
        );
        let mut is_evaluated = false;
        for input in &task.dependencies {
            let via = match cost_of(graph, task, input) {
                None => 0.0,
                Some(_) if is_shared && is_evaluated => AGAIN,
                Some(cost) => self.number_of(cost),
            };
            is_evaluated = is_evaluated || via < 0.0;
            self.vias.push(via);
        }
        let limits = expand_limits(task)?;
        let tasks = self.expand();
        Some(quote_spanned!(origin::span()=> #tasks ampeg_site.limit(#limits);))
    }

    /// The number that stands for a cost in a list.
    fn number_of(&mut self, cost: &Expr) -> f64 {
        if let Some(number) = check::literal(cost) {
            // A wrong literal has been reported.
            return if number.is_finite() {
                number.max(0.0)
            } else {
                0.0
            };
        }
        // rustc reports a wrong type here.
        let span = origin::span().located_at(cost.span());
        let push = quote_spanned!(span=> ::ampeg::IntoCost::push_to);
        let cost = lints::respan_delimiters(cost.clone());
        self.evaluated
            .push(quote_spanned!(origin::span()=> #push(#cost, &mut ampeg_costs);));
        NEXT
    }

    /// The code for all tasks that were added, if there are any.
    pub(super) fn expand(&mut self) -> Option<TokenStream> {
        let Self {
            costs,
            vias,
            evaluated,
        } = std::mem::take(self);
        if costs.is_empty() {
            return None;
        }
        let new = if evaluated.is_empty() {
            quote_spanned!(origin::span()=> let ampeg_costs)
        } else {
            quote_spanned!(origin::span()=> let mut ampeg_costs)
        };
        Some(quote_spanned! {origin::span()=> {
            #new = ::ampeg::__private::EvaluatedCosts::new();
            #(#evaluated)*
            ampeg_site.tasks(&[#(#costs),*], &[#(#vias),*], ampeg_costs);
        }})
    }
}
