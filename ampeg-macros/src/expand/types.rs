//! The types of a graph: a witness of what each task and capture is, and the outputs by name.

use super::generated;
use crate::resolve::{Graph, Task};
use crate::suggest;
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Index};

/// The names of the tasks and captures of a graph in generated code.
pub(super) struct Fields {
    pub(super) tasks: Vec<Ident>,
    pub(super) captures: Vec<Ident>,
}

impl Fields {
    pub(super) fn of(graph: &Graph) -> Self {
        let names = |prefix, n: usize| (0..n).map(|index| generated(prefix, index)).collect();
        Self {
            tasks: names("task", graph.tasks.len()),
            captures: names("capture", graph.captures.len()),
        }
    }
}

/// The longest tuple for which the runtime implements what is needed of one.
const LONGEST: usize = 12;

/// Any number of things as tuples of tuples, none longer than those that are `Default`.
pub(super) fn tuple(mut items: Vec<TokenStream>) -> TokenStream {
    while items.len() > LONGEST {
        let groups = items.chunks(LONGEST);
        items = groups.map(|group| quote!((#(#group,)*))).collect();
    }
    quote!((#(#items,)*))
}

/// Where each of `n` things is in their `tuple`: the fields to take, one after the other.
fn places(n: usize) -> Vec<TokenStream> {
    let mut places = vec![Vec::new(); n];
    let mut width = n;
    let mut step = 1;
    while width > LONGEST {
        for (index, place) in places.iter_mut().enumerate() {
            place.insert(0, index / step % LONGEST);
        }
        (width, step) = (width.div_ceil(LONGEST), step * LONGEST);
    }
    let outermost = places.iter_mut().enumerate();
    outermost.for_each(|(index, place)| place.insert(0, index / step));
    let tokens = |place: Vec<usize>| {
        let place = place.into_iter().map(Index::from);
        quote_spanned!(Span::mixed_site()=> #(.#place)*)
    };
    places.into_iter().map(tokens).collect()
}

/// A value that knows the types of the outputs, and the declarations that it needs.
///
/// Results go through tuples, moved in one step: rustc's work on a value per output with calls between them, each of
/// which may unwind, grows with the square of their number. So does that on a bound per output.
pub(super) fn expand_results(graph: &Graph, fields: &Fields) -> TokenStream {
    let declared = expand_outputs(graph);
    let (indices, names): (Vec<_>, Vec<_>) = outputs(graph)
        .map(|(index, task)| (index, &task.statement.name))
        .unzip();
    let tasks = indices.iter().map(|&index| &fields.tasks[index]);
    let types = tuple(tasks.map(ToTokens::to_token_stream).collect());
    let places = places(names.len());
    quote_spanned! {Span::mixed_site()=> {
        #declared
        ::ampeg::__private::collect(#types, |ampeg_results| Outputs {
            #(#names: ampeg_results #places),*
        })
    }}
}

/// `let (capture0, …) = …`: how each captured name travels, and its bytes.
pub(super) fn expand_probes(graph: &Graph, fields: &Fields) -> TokenStream {
    if graph.captures.is_empty() {
        return TokenStream::new();
    }
    let captures = &fields.captures;
    let probes = graph.captures.iter().map(|capture| {
        let (expression, span) = (&capture.expression, capture.span);
        let reference = quote_spanned!(Span::mixed_site()=> &#expression);
        let span = Span::mixed_site().located_at(span);
        // Names of one or two letters are always near to one another.
        let is_word = matches!(expression, Expr::Path(_)) && capture.path.len() > 2;
        let meant = is_word.then(|| expand_meant(graph, &capture.path));
        quote_spanned!(span=> (&&&&::ampeg::__private::probe::Probe::new({ #meant #reference })).probe())
    });
    quote_spanned! {Span::mixed_site()=>
        let (#(#captures,)*) = {
            use ::ampeg::__private::probe::*;
            (#(#probes,)*)
        };
    }
}

/// A variable with the name of the task that is nearest to a captured name, if one is near.
///
/// Nobody uses it, but if there is no such name to capture, rustc looks for similar variables and suggests this one.
fn expand_meant(graph: &Graph, path: &str) -> Option<TokenStream> {
    let names: Vec<String> = graph.tasks.iter().map(Task::name).collect();
    let near = suggest::nearest(path, names.iter().map(String::as_str))?;
    let task = graph.tasks.iter().find(|task| task.name() == near)?;
    let name = &task.statement.name;
    Some(quote_spanned! {Span::mixed_site()=>
        #[allow(unused_variables, clippy::all, clippy::pedantic, reason = "only rustc looks at it, for what was meant")]
        let #name = 0;
    })
}

/// `Outputs`, a field per output with its `Result`, and `Values`, the same without.
fn expand_outputs(graph: &Graph) -> TokenStream {
    let outputs: Vec<(usize, &Task)> = outputs(graph).collect();
    let names: Vec<_> = outputs
        .iter()
        .map(|(_, task)| &task.statement.name)
        .collect();
    let types: Vec<Ident> = outputs
        .iter()
        .map(|(index, _)| generated("R", *index))
        .collect();
    let docs: Vec<_> = outputs
        .iter()
        .map(|(_, task)| &task.statement.docs)
        .collect();
    let docs: Vec<_> = docs.iter().map(|docs| quote!(#(#docs)*)).collect();
    let field = |ty: &Ident| quote_spanned!(Span::mixed_site()=> ::core::result::Result<#ty, ::ampeg::TaskError>);
    let results: Vec<_> = types.iter().map(field).collect();
    let taken = tuple(
        names
            .iter()
            .map(|name| quote_spanned!(Span::mixed_site()=> self.#name))
            .collect(),
    );
    let places = places(names.len());
    let show_outputs = expand_debug("Outputs", &names, &types, &results);
    let values: Vec<_> = types.iter().map(ToTokens::to_token_stream).collect();
    let show_values = expand_debug("Values", &names, &types, &values);
    quote_spanned! {Span::mixed_site()=>
        pub struct Outputs<#(#types),*> {
            #(#docs pub #names: #results,)*
        }
        #[allow(dead_code, reason = "which of the values are read is up to the program")]
        pub struct Values<#(#types),*> {
            #(#docs pub #names: #types,)*
        }
        #show_outputs
        #show_values
        impl<#(#types),*> ::ampeg::__private::Outputs for Outputs<#(#types),*> {
            type Values = Values<#(#types),*>;
            fn into_values(self) -> ::core::result::Result<Self::Values, ::ampeg::TaskError> {
                let values = ::ampeg::__private::Unwrap::unwrap(#taken)?;
                ::core::result::Result::Ok(Values {
                    #(#names: values #places,)*
                })
            }
        }
    }
}

/// `Debug` with one bound for all fields.
fn expand_debug(
    name: &str,
    names: &[&Ident],
    types: &[Ident],
    fields: &[TokenStream],
) -> TokenStream {
    let ty = Ident::new(name, Span::mixed_site());
    let references = fields
        .iter()
        .map(|field| quote_spanned!(Span::mixed_site()=> &'a #field));
    let references = tuple(references.collect());
    let places = names
        .iter()
        .map(|name| quote_spanned!(Span::mixed_site()=> &self.#name));
    let places = tuple(places.collect());
    let texts = names.iter().map(|name| name_of(name));
    quote_spanned! {Span::mixed_site()=>
        impl<#(#types),*> ::core::fmt::Debug for #ty<#(#types),*>
        where
            for<'a> #references: ::ampeg::__private::Show,
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::ampeg::__private::show(f, #name, &[#(#texts),*], #places)
            }
        }
    }
}

fn outputs(graph: &Graph) -> impl Iterator<Item = (usize, &Task)> {
    graph
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.is_output)
}
