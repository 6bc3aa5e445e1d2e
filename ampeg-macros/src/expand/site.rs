//! The code that is evaluated where the graph stands: costs, limits, and the tasks of families with their inputs.

use super::clauses::{
    cost_of, expand_call, expand_cost, expand_count, expand_duration, expand_number,
};
use super::generated;
use super::types::WitnessNames;
use super::unindexed::Unindexed;
use crate::check;
use crate::origin;
use crate::resolve::{Graph, Input, Selector, Task};
use crate::source;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

/// A `Site`, to which each statement is added.
pub(super) fn expand(graph: &Graph, fields: &WitnessNames) -> TokenStream {
    let mut unindexed = Unindexed::default();
    let mut tasks = TokenStream::new();
    for task in &graph.tasks {
        if task.is_plain() {
            tasks.extend(unindexed.take(graph, task));
        } else {
            tasks.extend(unindexed.expand());
            tasks.extend(expand_family(graph, task, fields));
        }
    }
    tasks.extend(unindexed.expand());
    quote_spanned! {origin::span()=>
        let mut ampeg_site = ::ampeg::__private::Site::new(&ampeg_source);
        #tasks
    }
}

/// A loop for each index around the code for one member.
fn expand_family(graph: &Graph, task: &Task, fields: &WitnessNames) -> TokenStream {
    let member = expand_member(graph, task);
    let indices = task.indices.iter().enumerate().rev();
    let loops = indices.fold(member, |inner, (level, &index)| {
        let facts = &graph.names.indices[index];
        let expression = &facts.expression;
        let (Some(name), Some(ty)) = (&facts.name, &fields.indices[index]) else {
            let number = expand_index(expression);
            let is_known = quote_spanned!(at(expression)=> ampeg_site.fixed(#level, || #number));
            return quote_spanned!(origin::span()=> if #is_known { #inner });
        };
        let range = generated("range", level);
        let value = Ident::new(&format!("ampeg_value{level}"), at(expression));
        let ty = Ident::new(&ty.to_string(), at(expression));
        let values =
            quote_spanned!(at(expression)=> ampeg_site.range(#level, #ty, || { #expression }));
        let enter = quote_spanned!(at(expression)=> ampeg_site.enter(#level, #value));
        let used = source::used(name);
        quote_spanned! {origin::span()=>
            let #range = #values;
            for #value in #range {
                #enter;
                match #value {
                    #name => {
                        #used
                        #inner
                    }
                }
            }
        }
    });
    quote_spanned!(origin::span()=> { ampeg_site.family(); #loops })
}

fn expand_member(graph: &Graph, task: &Task) -> TokenStream {
    let clauses = &task.statement.clauses;
    let cost = clauses.cost.as_ref().map(|clause| &clause.operand);
    let given = cost.map_or_else(
        || quote_spanned!(origin::span()=> ::ampeg::__private::GivenCost::unwritten()),
        expand_cost,
    );
    let member = match cost {
        Some(cost) if check::literal(cost).is_none() => {
            quote_spanned!(origin::span()=> ampeg_site.member(|| #given);)
        }
        _ => quote_spanned!(origin::span()=> ampeg_site.member_given(#given);),
    };
    let within = clauses.within.as_ref().map(|clause| {
        let duration = expand_duration(&clause.operand);
        quote_spanned!(origin::span()=> ampeg_site.within(|| #duration);)
    });
    let retry = clauses.retry.as_ref().map(|clause| {
        let count = expand_count(&clause.operand);
        quote_spanned!(origin::span()=> ampeg_site.retry(|| #count);)
    });
    let slots = task.dependencies.iter().map(|input| {
        let cost = cost_of(graph, task, input);
        let given = cost.map_or_else(|| expand_number(0.0), expand_cost);
        let via = match cost {
            Some(cost) if check::literal(cost).is_none() => {
                quote_spanned!(origin::span()=> ampeg_site.via_with(|| #given);)
            }
            _ => quote_spanned!(origin::span()=> ampeg_site.via_given(#given);),
        };
        let selectors = input.selectors.iter().map(expand_selector);
        let slot = quote_spanned! {origin::span()=>
            ampeg_site.slot();
            #(#selectors)*
            #via
        };
        match expand_condition(input) {
            None => slot,
            Some(condition) => quote_spanned! {origin::span()=>
                if ampeg_site.when(|| #condition) { #slot } else { ampeg_site.absent(); }
            },
        }
    });
    quote_spanned! {origin::span()=>
        #member
        #within
        #retry
        #(#slots)*
    }
}

/// The span at which rustc reports a wrong type of a user's expression.
fn at(expression: &Expr) -> Span {
    origin::span().located_at(expression.span())
}

fn expand_index(index: &Expr) -> TokenStream {
    expand_call(&quote!(::ampeg::messages::IntoIndex::to_number), index)
}

fn expand_selector(selector: &Selector) -> TokenStream {
    match selector {
        Selector::Same(index) => quote_spanned!(origin::span()=> ampeg_site.same(#index);),
        Selector::At(index) => {
            let index = index.expression();
            let number = expand_index(index);
            quote_spanned!(at(index)=> ampeg_site.at(|| #number);)
        }
        Selector::Span(range) => {
            quote_spanned!(at(range.expression())=> ampeg_site.span(|| { #range });)
        }
        Selector::All => quote_spanned!(origin::span()=> ampeg_site.all();),
    }
}

/// All conditions of an input; each is evaluated only if those before it are met.
fn expand_condition(input: &Input) -> Option<TokenStream> {
    let conditions = input.conditions.iter().map(|condition| {
        let expression = &condition.expression;
        if condition.holds {
            quote!(#expression)
        } else {
            quote_spanned!(origin::span()=> ::core::ops::Not::not(#expression))
        }
    });
    conditions.rev().reduce(
        |after, condition| quote_spanned!(origin::span()=> if #condition { #after } else { false }),
    )
}
