//! Any text is expanded by the macro or refused, without a panic.
#![no_main]
#![allow(dead_code, reason = "the modules are those of the macro crate, which uses all of them")]

#[path = "../../ampeg-macros/src/diagnostics.rs"]
mod diagnostics;
#[path = "../../ampeg-macros/src/origin.rs"]
mod origin;
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
#[path = "../../ampeg-macros/src/digraph.rs"]
mod digraph;
#[path = "../../ampeg-macros/src/order.rs"]
mod order;
#[path = "../../ampeg-macros/src/check/mod.rs"]
mod check;
#[path = "../../ampeg-macros/src/expand/mod.rs"]
mod expand;
#[path = "../../ampeg-macros/src/function.rs"]
mod function;
#[path = "../../ampeg-macros/src/derive.rs"]
mod derive;
#[path = "../../ampeg-macros/src/stages.rs"]
mod stages;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(tokens) = text.parse::<proc_macro2::TokenStream>() {
        stages::expand_graph(tokens.clone());
        derive::expand(tokens);
    }
});
