//! The types of a graph: a witness of what each task and capture is, and the outputs by name.

use super::generated;
use crate::resolve::{Graph, Task};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

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

/// Any number of things as tuples of tuples, none longer than those that are `Default`.
pub(super) fn tuple(mut items: Vec<TokenStream>) -> TokenStream {
    const LONGEST: usize = 12;
    while items.len() > LONGEST {
        let groups = items.chunks(LONGEST);
        items = groups.map(|group| quote!((#(#group,)*))).collect();
    }
    quote!((#(#items,)*))
}

/// A value that holds the types of the outputs, and the declarations that it needs.
pub(super) fn expand_results(graph: &Graph, fields: &Fields) -> TokenStream {
    let declared = expand_outputs(graph);
    let types: Vec<_> = outputs(graph)
        .map(|(index, _)| generated("R", index))
        .collect();
    let tasks = outputs(graph).map(|(index, _)| &fields.tasks[index]);
    let takes = outputs(graph).zip(&types).map(|((index, task), ty)| {
        let name = &task.statement.name;
        quote_spanned! {Span::mixed_site()=>
            #name: results.take(<::ampeg::__private::Type<#ty> as ::core::default::Default>::default(), #index)
        }
    });
    quote_spanned! {Span::mixed_site()=> {
        #declared
        struct Types<#(#types),*>(#(::ampeg::__private::Type<#types>),*);
        impl<#(#types: 'static),*> ::ampeg::__private::Collect for Types<#(#types),*> {
            type Outputs = Outputs<#(#types),*>;
            fn collect(results: &mut ::ampeg::__private::Results<'_>) -> Self::Outputs {
                Outputs { #(#takes),* }
            }
        }
        Types(#(#tasks),*)
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
        quote_spanned!(span=> (&&&&::ampeg::__private::probe::Probe::new(#reference)).probe())
    });
    quote_spanned! {Span::mixed_site()=>
        let (#(#captures,)*) = {
            use ::ampeg::__private::probe::*;
            (#(#probes,)*)
        };
    }
}

/// `Outputs`, a field per output with its `Result`, and `Values`, the same without.
fn expand_outputs(graph: &Graph) -> TokenStream {
    let outputs: Vec<(usize, &Task)> = outputs(graph).collect();
    let names: Vec<_> = outputs
        .iter()
        .map(|(_, task)| &task.statement.name)
        .collect();
    let types: Vec<_> = outputs
        .iter()
        .map(|(index, _)| generated("R", *index))
        .collect();
    let docs: Vec<_> = outputs
        .iter()
        .map(|(_, task)| &task.statement.docs)
        .collect();
    let docs: Vec<_> = docs.iter().map(|docs| quote!(#(#docs)*)).collect();
    quote_spanned! {Span::mixed_site()=>
        #[derive(::core::fmt::Debug)]
        pub struct Outputs<#(#types),*> {
            #(#docs pub #names: ::core::result::Result<#types, ::ampeg::TaskError>,)*
        }
        #[derive(::core::fmt::Debug)]
        #[allow(dead_code, reason = "which of the values are read is up to the program")]
        pub struct Values<#(#types),*> {
            #(#docs pub #names: #types,)*
        }
        impl<#(#types),*> ::ampeg::__private::Outputs for Outputs<#(#types),*> {
            type Values = Values<#(#types),*>;
            fn into_values(self) -> ::core::result::Result<Self::Values, ::ampeg::TaskError> {
                ::core::result::Result::Ok(Values {
                    #(#names: self.#names.map_err(::ampeg::TaskError::into_root)?,)*
                })
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
