//! A graph with errors. The expansion has all code that rustc can still check, so that an editor completes names.

use crate::body::{Hole, Link, Origin, part_of};
use crate::diagnostics::Diagnostics;
use crate::origin;
use crate::resolve::{Graph, Input, Task, local_name};
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use std::collections::HashSet;
use syn::{Expr, parse_quote, parse_quote_spanned};

/// The errors, and the bodies in a closure that is never called.
///
/// The expression has the error type of `compile_error!`, which fits everywhere, so that rustc reports no second error.
/// Indices and results whose type is not known yet have this type too.
pub(crate) fn broken(graph: &Graph, diagnostics: &Diagnostics) -> TokenStream {
    let errors = diagnostics.to_expressions();
    let (first, others) = errors.split_first().expect("a broken graph has an error");
    let names = &ResultNames::of(graph);
    let all = (0..names.by_family.len())
        .map(|family| names.local_name(family, graph.names.families[family].name.span()));
    let bodies = graph
        .tasks
        .iter()
        .filter_map(|task| expand_body(graph, task, names));
    quote_spanned! {origin::span()=> {
        let ampeg_error = #first;
        #(#others;)*
        let _ = || {
            let (#(#all,)*) = ampeg_error;
            #(#bodies)*
        };
        ampeg_error
    }}
}

fn expand_body(graph: &Graph, task: &Task, names: &ResultNames) -> Option<TokenStream> {
    let body = task.body.as_ref()?;
    let body = body.fill(&mut |hole, part| names.fill(graph, task, hole, part));
    let name = names.local_name(task.family, task.statement.name.span());
    let indices = task
        .indices
        .iter()
        .filter_map(|&index| graph.names.indices[index].name.as_ref());
    let indices = indices.map(|name| local_name(&name_of(name), name.span()));
    Some(quote_spanned! {origin::span()=>
        let #name = (|| -> ::core::result::Result<_, ::ampeg::__private::Failure> {
            #(let #indices = ampeg_error;)*
            ::core::result::Result::Ok(#body)
        })().unwrap();
    })
}

/// The names of the variables for the results of each family.
struct ResultNames {
    by_family: Vec<String>,
}

impl ResultNames {
    fn of(graph: &Graph) -> Self {
        let mut taken = HashSet::new();
        let by_family = (0..graph.names.families.len()).map(|family| {
            let mut name = graph.names.path(family).replace('.', "_");
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            name
        });
        Self {
            by_family: by_family.collect(),
        }
    }

    fn local_name(&self, family: usize, span: Span) -> Ident {
        local_name(&self.by_family[family], span)
    }

    /// Replaces each use of a task or index by the name of its variable.
    fn fill(&self, graph: &Graph, task: &Task, hole: &Hole, part: Vec<Link>) -> Expr {
        let error = || parse_quote_spanned!(origin::span()=> ampeg_error);
        match hole.origin {
            Origin::Capture(_) => hole.whole.clone(),
            Origin::Error => error(),
            Origin::Index(place) => {
                let name = &graph.names.indices[task.indices[place]].name;
                let name = local_name(&name.as_ref().map(name_of).unwrap_or_default(), hole.span);
                parse_quote_spanned!(name.span()=> #name)
            }
            Origin::Dependency(position) => {
                let input = &task.dependencies[position];
                if input.depth() > 0 && !part.is_empty() {
                    let error: Expr = error();
                    let value = lists(input, quote!(#error));
                    return parse_quote!(#value);
                }
                let name = self.local_name(input.index, hole.span);
                let value = lists(input, quote!(#name));
                part_of(parse_quote_spanned!(name.span()=> #value), part)
            }
        }
    }
}

/// A value in nested lists, as many as the input has.
fn lists(input: &Input, value: TokenStream) -> TokenStream {
    let lists = 0..input.depth();
    lists.fold(
        value,
        |value, _| quote_spanned!(origin::span()=> ::std::vec![#value]),
    )
}
