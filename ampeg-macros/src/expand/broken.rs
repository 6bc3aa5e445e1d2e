//! A graph with errors: all that can be typed is still there, so that an editor goes on completing.

use crate::body::{self, Use, Visitor};
use crate::diagnostics::Diagnostics;
use crate::resolve::{Graph, binding};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::collections::HashSet;
use syn::{Expr, ExprReturn, parse_quote, parse_quote_spanned};

/// The errors, and the bodies in a closure that is never called.
///
/// The whole is of the type of a `compile_error!`, about which rustc says nothing more.
pub(crate) fn broken(graph: &Graph, diagnostics: &Diagnostics) -> TokenStream {
    let errors = diagnostics.to_expressions();
    let (first, others) = errors.split_first().expect("a broken graph has an error");
    let mut known = HashSet::new();
    let names = graph.tasks.iter().filter(|task| known.insert(task.name()));
    let names = names.map(|task| binding(&task.name(), task.statement.name.span()));
    let bodies = graph.tasks.iter().filter_map(|task| {
        let mut body = task.statement.body.clone()?;
        body::walk(&mut body, &mut Rename { graph });
        let name = binding(&task.name(), task.statement.name.span());
        Some(quote_spanned! {Span::mixed_site()=>
            let #name = (|| -> ::core::result::Result<_, ::ampeg::__private::Failure> {
                ::core::result::Result::Ok(#body)
            })().unwrap();
        })
    });
    quote_spanned! {Span::mixed_site()=> {
        let ampeg_error = #first;
        #(#others;)*
        #[allow(warnings, clippy::all, clippy::pedantic, reason = "errors come first")]
        let _ = || {
            let (#(#names,)*) = ampeg_error;
            #(#bodies)*
        };
        ampeg_error
    }}
}

/// Gives each use of a task the name that it is bound to here.
struct Rename<'a> {
    graph: &'a Graph,
}

impl Visitor for Rename<'_> {
    fn is_task(&self, name: &str) -> bool {
        self.graph.has_task(name)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let name = binding(used.path, used.span());
        self.is_task(used.path)
            .then(|| parse_quote_spanned!(name.span()=> #name))
    }

    fn on_return(&mut self, expression: &mut ExprReturn) {
        // What it returns is still typed, but as nothing in particular.
        let value = expression.expr.take();
        expression.expr = Some(parse_quote!({ #value; loop {} }));
    }
}
