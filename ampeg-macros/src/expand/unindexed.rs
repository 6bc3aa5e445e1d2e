//! The costs and limits of tasks that are no families, in as few calls as may be: rustc's work grows with each.
//!
//! Numbers go as lists of them; what must be evaluated is told before, each in a call that leaves nothing to drop.

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

/// In a list of numbers: the next cost that was evaluated. No cost that is written is negative.
///
/// The runtime has the same constants; a test compares them.
pub(crate) const NEXT: f64 = -1.0;
/// In a list of numbers: that cost once more.
pub(crate) const AGAIN: f64 = -2.0;
/// In a list of numbers: nothing is written.
pub(crate) const UNWRITTEN: f64 = -3.0;

/// Statements one after the other that are one task each.
#[derive(Default)]
pub(super) struct Unindexed {
    costs: Vec<f64>,
    /// Of all slots, one statement after the other.
    vias: Vec<f64>,
    /// What is evaluated, in the order of the statements, each with its slots.
    evaluated: Vec<TokenStream>,
}

impl Unindexed {
    /// Takes a task; what ends the list if there are limits to tell of it.
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
            // One that is wrong has been reported.
            return if number.is_finite() {
                number.max(0.0)
            } else {
                0.0
            };
        }
        // Where rustc points if it is of a wrong type.
        let span = origin::span().located_at(cost.span());
        let push = quote_spanned!(span=> ::ampeg::IntoCost::push_to);
        let cost = lints::respan_delimiters(cost.clone());
        self.evaluated
            .push(quote_spanned!(origin::span()=> #push(#cost, &mut ampeg_costs);));
        NEXT
    }

    /// Tells all that were taken, if any were.
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
