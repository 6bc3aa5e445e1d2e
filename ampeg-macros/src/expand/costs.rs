//! Costs and limits: the user's expressions, evaluated where the graph stands.

use super::{generated, quiet};
use crate::check;
use crate::resolve::{Graph, Task};
use crate::syntax::{Via, name_of};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, spanned::Spanned};

/// `Site`, told statement by statement.
pub(super) fn expand(graph: &Graph) -> TokenStream {
    let tasks = graph.tasks.iter().enumerate();
    let tasks = tasks.map(|(index, task)| {
        let clause = task.statement.clauses.cost.as_ref();
        let cost = clause.map_or_else(|| expand_number(1.0), |clause| expand_cost(&clause.operand));
        let (binding, costs) = expand_via(graph, task, index);
        let limits = expand_limits(task).into_iter();
        let calls = quote_spanned! {Span::mixed_site()=>
            ampeg_site.task(#cost);
            #binding
            #(ampeg_site.via(#costs);)*
            #(ampeg_site.limit(#limits);)*
        };
        binding.map_or_else(|| calls.clone(), |_| quote!({ #calls }))
    });
    quote_spanned! {Span::mixed_site()=>
        let mut ampeg_site = ::ampeg::__private::Site::new(&ampeg_source);
        #(#tasks)*
    }
}

/// The costs of the dependencies of a task, and a binding for the expression that they share.
fn expand_via(graph: &Graph, task: &Task, index: usize) -> (Option<TokenStream>, Vec<TokenStream>) {
    let dependencies = &task.dependencies;
    let all = |cost: TokenStream| dependencies.iter().map(move |_| cost.clone()).collect();
    match task.statement.clauses.via.as_ref().map(|via| &via.operand) {
        None => (None, all(expand_number(0.0))),
        Some(Via::All(cost)) if check::literal(cost).is_some() => (None, all(expand_cost(cost))),
        Some(Via::All(cost)) => {
            let (name, cost) = (generated("via", index), expand_cost(cost));
            let binding = quote_spanned!(Span::mixed_site()=> let #name = #cost;);
            let costs =
                all(quote_spanned!(Span::mixed_site()=> ::core::clone::Clone::clone(&#name)));
            (Some(binding), costs)
        }
        Some(Via::Each(costs)) => {
            let cost_of = |dependency: usize| {
                let name = graph.tasks[dependency].name();
                let cost = costs.iter().find(|(key, _)| name_of(key) == name);
                cost.map_or_else(|| expand_number(0.0), |(_, cost)| expand_cost(cost))
            };
            let costs = dependencies.iter().map(|input| cost_of(input.index));
            (None, costs.collect())
        }
    }
}

fn expand_limits(task: &Task) -> Option<TokenStream> {
    let clauses = &task.statement.clauses;
    if clauses.within.is_none() && clauses.retry.is_none() {
        return None;
    }
    let within = option(
        clauses
            .within
            .as_ref()
            .map(|clause| expand_call("duration", &clause.operand)),
    );
    let retry = option(
        clauses
            .retry
            .as_ref()
            .map(|clause| expand_count(&clause.operand)),
    );
    Some(quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Limit { within: #within, retry: #retry }
    })
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
        |value| quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#value)),
    )
}

/// A literal becomes a float, so that `@ 3000000000` is a number and not an overflow.
fn expand_cost(cost: &Expr) -> TokenStream {
    check::literal(cost).map_or_else(|| expand_call("cost", cost), expand_number)
}

/// A literal has been checked; `0` stands for one that is wrong.
fn expand_count(count: &Expr) -> TokenStream {
    let Some(literal) = check::literal(count) else {
        return expand_call("count", count);
    };
    let number = format!("{literal}").parse::<u32>().unwrap_or(0);
    quote_spanned!(Span::mixed_site()=> ::ampeg::__private::count(#number))
}

fn expand_number(number: f64) -> TokenStream {
    // What is not finite has been reported; it only has to be a number here.
    let number = if number.is_finite() { number } else { 0.0 };
    quote_spanned!(Span::mixed_site()=> ::ampeg::__private::cost(#number))
}

/// `cost(…)`, with the span of the operand, where rustc points if it is of a wrong type.
fn expand_call(function: &str, operand: &Expr) -> TokenStream {
    let span = Span::mixed_site().located_at(operand.span());
    let function = syn::Ident::new(function, span);
    let path = quote_spanned!(span=> ::ampeg::__private::#function);
    let operand = quiet::outermost(operand.clone());
    quote!(#path(#operand))
}
