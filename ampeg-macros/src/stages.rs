//! All stages, from the text of a `graph!` to tokens.

use crate::diagnostics::Diagnostics;
use crate::expand::{self, GraphHash};
use crate::order::Order;
use crate::resolve::{self, Graph};
use crate::{check, function, origin, parse};
use proc_macro2::TokenStream;
use syn::Path;

/// Expands a graph. The tokens before the text say how generated code names the crate `ampeg`.
pub(crate) fn expand_graph(tokens: TokenStream) -> TokenStream {
    let (origin, tokens) = origin::split(tokens);
    match origin {
        None => expand_text(tokens),
        Some(origin) => origin::expand_at(&origin, || expand_text(tokens)),
    }
}

fn expand_text(tokens: TokenStream) -> TokenStream {
    if parse::is_function(&tokens) {
        return function::expand(tokens);
    }
    match parse::split_values(tokens) {
        Ok((values, tokens)) => Compiled::of(tokens).expand(values.as_ref()),
        Err(error) => error.into_compile_error(),
    }
}

/// A graph after all stages but the expansion.
pub(crate) struct Compiled {
    hash: GraphHash,
    pub(crate) graph: Graph,
    /// None if the graph is broken.
    pub(crate) order: Option<Order>,
    pub(crate) diagnostics: Diagnostics,
}

impl Compiled {
    /// Parses, resolves and checks a graph.
    pub(crate) fn of(tokens: TokenStream) -> Self {
        let mut diagnostics = Diagnostics::default();
        let hash = GraphHash::of(&tokens);
        let items = parse::parse(tokens, &mut diagnostics);
        let is_whole = diagnostics.is_empty();
        let graph = resolve::resolve(items, &mut diagnostics);
        let is_whole = is_whole && diagnostics.is_empty();
        let order = check::check(&graph, &mut diagnostics);
        Self {
            hash,
            graph,
            order: order.filter(|_| is_whole),
            diagnostics,
        }
    }

    /// Expands to one expression: a graph whose values have this type, or a type that the expression declares.
    pub(crate) fn expand(&self, values: Option<&Path>) -> TokenStream {
        let Self {
            hash,
            graph,
            order,
            diagnostics,
        } = self;
        match order {
            Some(order) => expand::whole(graph, order, hash, values, diagnostics),
            None => expand::broken(graph, diagnostics),
        }
    }
}
