//! The `graph!` macro of [`ampeg`](https://docs.rs/ampeg).

mod diagnostics;
mod source;
mod suggest;
mod syntax;

mod parse;

mod body;
mod resolve;

mod check;
mod cycle;

mod expand;

#[cfg(test)]
mod tests;

use diagnostics::Diagnostics;
use proc_macro::TokenStream;

/// Declares a graph of tasks.
#[proc_macro]
pub fn graph(tokens: TokenStream) -> TokenStream {
    expand_graph(tokens.into()).into()
}

/// Text to tokens, stage by stage.
fn expand_graph(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut diagnostics = Diagnostics::default();
    let identity = expand::Identity::of(&tokens);
    let statements = parse::parse(tokens, &mut diagnostics);
    let is_whole = diagnostics.is_empty();
    let graph = resolve::resolve(statements, &mut diagnostics);
    let is_whole = is_whole && diagnostics.is_empty();
    let order = check::check(&graph, &mut diagnostics);
    match order {
        Some(order) if is_whole => expand::whole(&graph, &order, &identity, &diagnostics),
        _ => expand::broken(&graph, &diagnostics),
    }
}
