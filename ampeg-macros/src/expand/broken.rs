//! A graph with errors: all that can be typed is still there, so that an editor goes on completing.

use crate::body::{self, Meaning, Segment, Use, Visitor};
use crate::diagnostics::Diagnostics;
use crate::origin;
use crate::resolve::{Access, Graph, Key, Task, binding};
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use std::collections::HashSet;
use syn::{Expr, ExprReturn, parse_quote, parse_quote_spanned};

/// The errors, and the bodies in a closure that is never called.
///
/// The whole is of the type of a `compile_error!`, about which rustc says nothing more.
/// What such a value stands for, it says nothing about either: indices, and results that are not typed yet.
pub(crate) fn broken(graph: &Graph, diagnostics: &Diagnostics) -> TokenStream {
    let errors = diagnostics.to_expressions();
    let (first, others) = errors.split_first().expect("a broken graph has an error");
    let names = &Names::of(graph);
    let all = (0..names.by_family.len())
        .map(|family| names.binding(family, graph.names.families[family].name.span()));
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

fn expand_body(graph: &Graph, task: &Task, names: &Names) -> Option<TokenStream> {
    let mut body = task.statement.body.clone()?;
    body::walk(&mut body, &mut Rename { graph, task, names });
    let name = names.binding(task.family, task.statement.name.span());
    let indices = task
        .indices
        .iter()
        .filter_map(|&index| graph.names.indices[index].name.as_ref());
    let indices = indices.map(|name| binding(&name_of(name), name.span()));
    Some(quote_spanned! {origin::span()=>
        let #name = (|| -> ::core::result::Result<_, ::ampeg::__private::Failure> {
            #(let #indices = ampeg_error;)*
            ::core::result::Result::Ok(#body)
        })().unwrap();
    })
}

/// What the results of each family are bound to here.
struct Names {
    by_family: Vec<String>,
}

impl Names {
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

    fn binding(&self, family: usize, span: Span) -> Ident {
        binding(&self.by_family[family], span)
    }
}

/// Gives each use of a task or index the name that it is bound to here.
struct Rename<'a> {
    graph: &'a Graph,
    task: &'a Task,
    names: &'a Names,
}

impl Visitor for Rename<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.graph.scope(self.task).meaning(root, segments)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let scope = self.graph.scope(self.task);
        if used.meaning == Meaning::Index {
            let name = binding(used.path, used.span());
            return Some(parse_quote_spanned!(name.span()=> #name));
        }
        if used.meaning == Meaning::Outside {
            return None;
        }
        let Some(Key::Slot(..)) = scope.key(used) else {
            // A group, or nothing at all: that has been reported.
            return Some(parse_quote_spanned!(origin::span()=> ampeg_error));
        };
        let access = scope.access(used)?.ok()?;
        let name = self.names.binding(access.family, used.span());
        let value = lists(&access, quote!(#name));
        Some(parse_quote_spanned!(name.span()=> #value))
    }

    fn wants_part(&self, used: &Use<'_>) -> bool {
        let access = self.graph.scope(self.task).access(used);
        matches!(access, Some(Ok(access)) if access.is_list())
    }

    fn on_part(&mut self, used: &Use<'_>, _: &Expr) -> Option<Expr> {
        let access = self.graph.scope(self.task).access(used)?.ok()?;
        let value = lists(&access, quote_spanned!(origin::span()=> ampeg_error));
        Some(parse_quote!(#value))
    }

    fn on_return(&mut self, expression: &mut ExprReturn) {
        // What it returns is still typed, but as nothing in particular.
        let value = expression.expr.take();
        let error = quote_spanned!(origin::span()=> ampeg_error);
        expression.expr = Some(parse_quote!({ #value; #error }));
    }

    fn on_outside(&mut self, expression: &mut Expr) {
        *expression = match expression {
            Expr::Await(waits) => {
                let future = &waits.base;
                parse_quote_spanned!(origin::span()=> { #future; ampeg_error })
            }
            _ => parse_quote!(loop {}),
        };
    }
}

/// As many lists around a value as members are selected in.
fn lists(access: &Access, value: TokenStream) -> TokenStream {
    let lists = 0..access.depth();
    lists.fold(
        value,
        |value, _| quote_spanned!(origin::span()=> ::std::vec![#value]),
    )
}
