//! Expands a checked graph to tokens: static facts, types, one dispatcher, costs and captures. Expansion cannot fail.
//!
//! Generated names are `mixed_site`, so that no token of the user can refer to them, and generated paths are absolute.
//! Code that rustc may report an error about has the span of the user's token.

mod bodies;
mod body_hash;
mod broken;
mod clauses;
mod facts;
mod inputs;
mod lints;
mod outputs;
mod parts;
mod site;
mod structs;
mod types;
pub(crate) mod unindexed;

pub(crate) use broken::broken;
pub(crate) use facts::GraphHash;
pub(crate) use structs::{Field, Structs, lists, task, vecs};

use crate::diagnostics::Diagnostics;
use crate::order::Order;
use crate::origin;
use crate::resolve::Graph;
use crate::syntax::name_of;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;
use types::WitnessNames;

/// One expression of type `Graph<Values>`, or of the type that the program names.
///
/// `diagnostics` may have errors that leave the graph complete. Types are declared in a block of their own, so that no
/// token of the user can refer to them.
pub(crate) fn whole(
    graph: &Graph,
    order: &Order,
    hash: &GraphHash,
    values: Option<&Path>,
    diagnostics: &Diagnostics,
) -> TokenStream {
    let fields = WitnessNames::of(graph);
    let errors = diagnostics.to_expressions();
    let unused = expand_unused(graph);
    let probes = types::expand_probes(graph, &fields);
    let facts = facts::expand(graph, hash);
    let dispatcher = bodies::expand_dispatcher(graph, order, &fields, values);
    let mut site = site::expand(graph, &fields);
    let captures = &fields.captures;
    let indices: Vec<_> = fields.indices.iter().flatten().collect();
    let modes = types::tuple(expand_witnesses(&fields));
    let outputs = values.map_or_else(|| quote!(&[]), |values| {
        quote_spanned!(origin::span().located_at(values.span())=> <#values as ::ampeg::__private::Named>::FIELDS)
    });
    // The order matters for compile time. With families, the loops over indices determine the types of indices, so the
    // dispatcher comes after them. Without, costs such as `@ 2 * k` leave integer types open, and rustc would try to infer
    // them again at each of a thousand later tasks, so the costs come after the dispatcher.
    let site_first = (!indices.is_empty()).then(|| std::mem::take(&mut site));
    quote_spanned! {origin::span()=> {
        #(#errors;)*
        #unused
        #probes
        #(let #indices = ::ampeg::__private::IndexType::new();)*
        let ampeg_source = { #facts Source };
        #site_first
        let ampeg_witnesses = #modes;
        let ampeg_dispatch = #dispatcher;
        #site
        ::ampeg::__private::graph(
            ampeg_source,
            ampeg_witnesses,
            ampeg_dispatch,
            ampeg_site,
            ::std::vec![#(#captures.into_payload()),*],
            #outputs,
        )
    }}
}

/// The dispatcher's argument: how each capture is sent, and the types of indices.
fn expand_witnesses(fields: &WitnessNames) -> Vec<TokenStream> {
    let captures = fields.captures.iter();
    let modes = captures.map(|capture| quote_spanned!(origin::span()=> #capture.mode()));
    modes
        .chain(
            fields
                .indices
                .iter()
                .flatten()
                .map(ToTokens::to_token_stream),
        )
        .collect()
}

/// Makes rustc warn of each task that is neither used nor an output, as of an unused variable.
fn expand_unused(graph: &Graph) -> TokenStream {
    let families = &graph.names.families;
    let mut is_used = vec![false; families.len()];
    for task in &graph.tasks {
        // Uses by members of the same family do not count.
        for input in task
            .dependencies
            .iter()
            .filter(|input| input.index != task.family)
        {
            is_used[input.index] = true;
        }
    }
    let unused = families.iter().zip(is_used).filter(|(family, is_used)| {
        !is_used && !family.is_output && !name_of(&family.name).starts_with('_')
    });
    let names = unused.map(|(family, _)| &family.name);
    quote_spanned!(origin::span()=> #(let #names = ();)*)
}

/// A generated name, different from the names of all inputs. No token of the user can refer to it.
fn generated(prefix: &str, index: usize) -> Ident {
    format_ident!("ampeg_{prefix}{index}", span = origin::span())
}
