//! The macro on any text: it is expanded or refused, and never panics.
#![no_main]
#![allow(dead_code, reason = "the modules are those of the macro crate, which uses all of them")]

#[path = "../../ampeg-macros/src/diagnostics.rs"]
mod diagnostics;
#[path = "../../ampeg-macros/src/source.rs"]
mod source;
#[path = "../../ampeg-macros/src/suggest.rs"]
mod suggest;
#[path = "../../ampeg-macros/src/syntax.rs"]
mod syntax;
#[path = "../../ampeg-macros/src/parse/mod.rs"]
mod parse;
#[path = "../../ampeg-macros/src/body/mod.rs"]
mod body;
#[path = "../../ampeg-macros/src/resolve/mod.rs"]
mod resolve;
#[path = "../../ampeg-macros/src/cycle.rs"]
mod cycle;
#[path = "../../ampeg-macros/src/order.rs"]
mod order;
#[path = "../../ampeg-macros/src/check/mod.rs"]
mod check;
#[path = "../../ampeg-macros/src/expand/mod.rs"]
mod expand;

use diagnostics::Diagnostics;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(tokens) = text.parse() {
        expand_graph(tokens);
    }
});

/// Text to tokens, stage by stage.
fn expand_graph(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut diagnostics = Diagnostics::default();
    let identity = expand::Identity::of(&tokens);
    let items = parse::parse(tokens, &mut diagnostics);
    let is_whole = diagnostics.is_empty();
    let graph = resolve::resolve(items, &mut diagnostics);
    let is_whole = is_whole && diagnostics.is_empty();
    let order = check::check(&graph, &mut diagnostics);
    match order {
        Some(order) if is_whole => expand::whole(&graph, &order, &identity, &diagnostics),
        _ => expand::broken(&graph, &diagnostics),
    }
}
