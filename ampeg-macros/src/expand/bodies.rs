//! The dispatcher: a closure around the body of each statement, in the order of their types, then each capture.

use super::facts::to_u32;
use super::inputs::{Bindings, Indices};
use super::lints;
use super::outputs::expand_results;
use super::parts::expand_projection;
use super::types::{WitnessNames, tuple};
use crate::order::{Order, TypeGroup};
use crate::origin;
use crate::resolve::Graph;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, parse_quote};

/// A closure without captures, with each statement, each capture, and the types of the results.
pub(super) fn expand_dispatcher(
    graph: &Graph,
    order: &Order,
    fields: &WitnessNames,
    values: Option<&Path>,
) -> TokenStream {
    let mut is_emitted = vec![false; graph.projections.len()];
    let groups = order
        .groups
        .iter()
        .map(|group| expand_type_group(graph, group, &mut is_emitted, fields));
    let forgotten = expand_forgotten(graph, fields);
    let captures = &fields.captures;
    let arms = (0..captures.len()).map(to_u32);
    let modes = expand_witness_pattern(fields);
    let results = expand_results(graph, fields, values);
    quote_spanned! {origin::span()=>
        ::ampeg::__private::dispatcher(&ampeg_witnesses, |ampeg_call, &#modes| {
            #(#groups)*
            #forgotten
            #(ampeg_call.capture(#arms, #captures);)*
            #results
        })
    }
}

/// The pattern for the dispatcher's argument: how each capture is sent, and the types of indices.
fn expand_witness_pattern(fields: &WitnessNames) -> TokenStream {
    let captures = fields.captures.iter().map(ToTokens::to_token_stream);
    let indices = fields
        .indices
        .iter()
        .flatten()
        .map(ToTokens::to_token_stream);
    tuple(captures.chain(indices).collect())
}

/// The statements of families whose types depend on each other, after the types that must be declared first.
fn expand_type_group(
    graph: &Graph,
    group: &TypeGroup,
    is_emitted: &mut [bool],
    fields: &WitnessNames,
) -> TokenStream {
    let types = group.declared.iter().map(|&family| {
        let annotation = graph.annotation(family);
        let ty = annotation.map(|ty| quote_spanned!(origin::span()=> ::<#ty>));
        let field = &fields.families[family];
        quote_spanned!(origin::span()=> let #field = ::ampeg::__private::Type #ty ::new();)
    });
    let is_declared = !group.declared.is_empty();
    let tasks = group.statements.iter().map(|&task| {
        let parts = expand_parts(graph, task, is_emitted, fields);
        let task = expand_task(graph, task, is_declared, fields);
        quote!(#(#parts)* #task)
    });
    quote!(#(#types)* #(#tasks)*)
}

/// The projections that a statement uses, except for those that have been emitted.
fn expand_parts(
    graph: &Graph,
    task: usize,
    is_emitted: &mut [bool],
    fields: &WitnessNames,
) -> Vec<TokenStream> {
    let parts = graph.tasks[task]
        .dependencies
        .iter()
        .flat_map(|input| &input.parts);
    let new = parts
        .map(|part| part.projection)
        .filter(|&part| !std::mem::replace(&mut is_emitted[part], true));
    new.map(|part| expand_projection(graph, part, fields))
        .collect()
}

fn expand_task(
    graph: &Graph,
    index: usize,
    is_declared: bool,
    fields: &WitnessNames,
) -> TokenStream {
    let task = &graph.tasks[index];
    let field = &fields.families[task.family];
    let bindings = Bindings::of(graph, task, fields);
    let body = task.body.as_ref().map_or_else(
        || parse_quote!(()),
        |body| body.fill(&mut |hole, part| bindings.fill(hole, part)),
    );
    let body = lints::respan_delimiters(body);
    let binds = bindings.bind_inputs(Indices::All);
    let (types, pattern) = bindings.expand_types();
    let parameters = if binds.is_empty() {
        quote_spanned!(origin::span()=> _, _)
    } else {
        quote_spanned!(origin::span()=> #pattern, ampeg_inputs)
    };
    let body_span = origin::span().located_at(body.span());
    // rustc compares the body with the user's annotation, and reports a mismatch there.
    let ok = quote_spanned!(body_span=> ::core::result::Result::Ok);
    let closure = if lints::never_ends(&body) {
        // No code may follow such a body, so its type becomes the type of the closure.
        let ty = match &task.statement.ty {
            Some(ty) => ty.to_token_stream(),
            // rustc infers the type from the tasks that use it.
            None if is_declared || is_used(graph, task.family) => quote!(_),
            None => quote!(()),
        };
        let result =
            quote_spanned!(body_span=> ::core::result::Result<#ty, ::ampeg::__private::Failure>);
        quote_spanned!(body_span=> |#parameters| -> #result { #binds #body })
    } else {
        let result = match &task.statement.ty {
            Some(ty) => {
                quote_spanned!(body_span=> let ampeg_result: #ty = #body; #ok(ampeg_result))
            }
            // With `Ok(…)`, rustc would also show the definition of `Ok` in a message about a wrong type.
            None if is_declared => quote!(#ok { 0: #body }),
            None => quote!(#ok(#body)),
        };
        quote_spanned!(body_span=> |#parameters| { #binds #result })
    };
    let arm = to_u32(index);
    if is_declared {
        let run = Ident::new("member", body_span);
        let run = quote_spanned!(body_span=> ::ampeg::TaskValue::#run);
        quote_spanned!(origin::span()=> #run(ampeg_call, #arm, #field, #types, #closure);)
    } else {
        let run = Ident::new("task", body_span);
        let run = quote_spanned!(body_span=> ::ampeg::TaskValue::#run);
        quote_spanned!(origin::span()=> let #field = #run(ampeg_call, #arm, #types, #closure);)
    }
}

/// Makes rustc refuse a value that is a `Result` and has no type annotation: a `?` is missing.
///
/// Only bodies that end in a call are checked, since each check adds to rustc's time.
fn expand_forgotten(graph: &Graph, fields: &WitnessNames) -> TokenStream {
    let families = graph.names.families.iter().zip(&fields.families);
    let suspects: Vec<_> = families
        .filter_map(|(family, field)| {
            let tasks = family.statements.iter().map(|&task| &graph.tasks[task]);
            if tasks.clone().any(|task| task.statement.ty.is_some()) {
                return None;
            }
            let mut bodies = tasks.filter_map(|task| Some(&task.body.as_ref()?.expression));
            let body = bodies.find(|body| lints::ends_in_call(body))?;
            let ask = Ident::new("is_value", origin::span().located_at(body.span()));
            Some(quote_spanned!(origin::span()=> #field.#ask();))
        })
        .collect();
    quote!(#(#suspects)*)
}

fn is_used(graph: &Graph, family: usize) -> bool {
    let mut inputs = graph.tasks.iter().flat_map(|task| &task.dependencies);
    inputs.any(|input| input.index == family)
}
