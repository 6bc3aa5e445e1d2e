//! The operands of clauses as expressions.

use super::lints;
use crate::check;
use crate::origin;
use crate::resolve::{Graph, Input, Task};
use crate::syntax::{Dependency, Via};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, spanned::Spanned};

pub(super) fn expand_duration(duration: &Expr) -> TokenStream {
    expand_call(
        &quote!(::ampeg::messages::IntoDuration::into_duration),
        duration,
    )
}

/// A literal becomes a float, so that `@ 3000000000` is a number and not an overflow.
pub(super) fn expand_cost(cost: &Expr) -> TokenStream {
    check::literal(cost).map_or_else(
        || expand_call(&quote!(::ampeg::IntoCost::given), cost),
        expand_number,
    )
}

/// A literal has been checked, so a wrong one can become `0`.
pub(super) fn expand_count(count: &Expr) -> TokenStream {
    let Some(literal) = check::literal(count) else {
        return expand_call(&quote!(::ampeg::messages::IntoCount::into_count), count);
    };
    let number = format!("{literal}").parse::<u32>().unwrap_or(0);
    quote_spanned!(origin::span()=> ::core::result::Result::Ok(#number))
}

pub(super) fn expand_number(number: f64) -> TokenStream {
    // A literal that is not finite has been reported, and must only be a number here.
    let number = if number.is_finite() { number } else { 0.0 };
    quote_spanned!(origin::span()=> ::ampeg::__private::GivenCost::number(#number))
}

/// The call of a trait's method, with the span of the operand, at which rustc reports a wrong type.
///
/// For a function with a bound, rustc would also show our source; for a method of the trait itself, it does not.
pub(super) fn expand_call(method: &TokenStream, operand: &Expr) -> TokenStream {
    let span = origin::span().located_at(operand.span());
    let method = method.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    let method = method.collect::<TokenStream>();
    let operand = lints::respan_delimiters(operand.clone());
    quote!(#method(#operand))
}

/// The cost of moving an input, if it is written.
pub(super) fn cost_of<'a>(graph: &Graph, task: &'a Task, input: &Input) -> Option<&'a Expr> {
    match &task.statement.clauses.via.as_ref()?.operand {
        Via::All(cost) => Some(cost),
        Via::Each(costs) => {
            let scope = graph.scope(task);
            let is_meant = |path: &Dependency| {
                scope.family(&path.iter().collect::<Vec<_>>()) == Some(input.index)
            };
            let cost = costs.iter().find(|(path, _)| is_meant(path));
            cost.map(|(_, cost)| cost)
        }
    }
}

pub(super) fn expand_limits(task: &Task) -> Option<TokenStream> {
    let clauses = &task.statement.clauses;
    if clauses.within.is_none() && clauses.retry.is_none() {
        return None;
    }
    let within = option(
        clauses
            .within
            .as_ref()
            .map(|clause| expand_duration(&clause.operand)),
    );
    let retry = option(
        clauses
            .retry
            .as_ref()
            .map(|clause| expand_count(&clause.operand)),
    );
    Some(quote_spanned! {origin::span()=>
        ::ampeg::__private::Limit { within: #within, retry: #retry }
    })
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote_spanned!(origin::span()=> ::core::option::Option::None),
        |value| quote_spanned!(origin::span()=> ::core::option::Option::Some(#value)),
    )
}
