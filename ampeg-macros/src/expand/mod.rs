//! A checked graph to tokens: static facts, types, one dispatcher, costs and captures. It cannot fail.
//!
//! Generated names are `mixed_site`, so that no token of the user can mean them, and generated paths are absolute.
//! What rustc may complain about carries the span of the user's own token.

mod bodies;
mod broken;
mod costs;
mod facts;
mod quiet;
mod types;

pub(crate) use broken::broken;
pub(crate) use facts::Identity;

use crate::diagnostics::Diagnostics;
use crate::resolve::Graph;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use types::Fields;

/// One expression of type `Graph<Outputs>`, after whatever errors leave the graph whole.
///
/// Types are declared in a block of their own, where no token of the user can mean them.
pub(crate) fn whole(
    graph: &Graph,
    order: &[usize],
    identity: &Identity,
    diagnostics: &Diagnostics,
) -> TokenStream {
    let fields = Fields::of(graph);
    let errors = diagnostics.to_expressions();
    let unused = expand_unused(graph);
    let probes = types::expand_probes(graph, &fields);
    let facts = facts::expand(graph, identity);
    let dispatcher = bodies::expand_dispatcher(graph, order, &fields);
    let site = costs::expand(graph);
    let captures = &fields.captures;
    let modes = captures
        .iter()
        .map(|capture| quote_spanned!(Span::mixed_site()=> #capture.mode()));
    let modes = types::tuple(modes.collect());
    quote_spanned! {Span::mixed_site()=> {
        #(#errors;)*
        #unused
        #probes
        let ampeg_source = { #facts Source };
        let ampeg_modes = #modes;
        let ampeg_dispatch = #dispatcher;
        #site
        ::ampeg::__private::graph(
            ampeg_source,
            ampeg_modes,
            ampeg_dispatch,
            ampeg_site,
            ::std::vec![#(#captures.into_payload()),*],
            ::ampeg::__private::collector(&ampeg_modes, ampeg_dispatch),
        )
    }}
}

/// Has rustc warn of each task that is neither an output nor used, as of an unused variable.
fn expand_unused(graph: &Graph) -> TokenStream {
    let mut is_used = vec![false; graph.tasks.len()];
    for input in graph.tasks.iter().flat_map(|task| &task.dependencies) {
        is_used[input.index] = true;
    }
    let unused = graph.tasks.iter().zip(is_used);
    let names = unused
        .filter(|(task, is_used)| !is_used && !task.is_output && !task.name().starts_with('_'))
        .map(|(task, _)| &task.statement.name);
    quote_spanned!(Span::mixed_site()=> #(let #names = ();)*)
}

/// A generated name, which no token of the user can mean, nor the binding of any input.
fn generated(prefix: &str, index: usize) -> Ident {
    format_ident!("ampeg_{prefix}{index}", span = Span::mixed_site())
}
