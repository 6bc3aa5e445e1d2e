//! The types of a graph: a witness of what each task and capture is, and the outputs by name.

use super::generated;
use crate::resolve::{Graph, Task};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The fields of the witness, by task and by capture; their types are left to inference.
pub(super) struct Fields {
    pub(super) tasks: Vec<Ident>,
    pub(super) captures: Vec<Ident>,
    task_types: Vec<Ident>,
    capture_types: Vec<Ident>,
}

impl Fields {
    pub(super) fn of(graph: &Graph) -> Self {
        let names =
            |prefix, length: usize| (0..length).map(|index| generated(prefix, index)).collect();
        let mut tasks: Vec<Ident> = names("task", graph.tasks.len());
        for (field, task) in tasks.iter_mut().zip(&graph.tasks) {
            field.set_span(Span::mixed_site().located_at(task.statement.name.span()));
        }
        Self {
            tasks,
            captures: names("capture", graph.captures.len()),
            task_types: names("T", graph.tasks.len()),
            capture_types: names("C", graph.captures.len()),
        }
    }
}

/// `Types`, `Outputs` and `Values`.
pub(super) fn expand_declarations(graph: &Graph, fields: &Fields) -> TokenStream {
    let (types, outputs) = (expand_types(fields), expand_outputs(graph));
    quote!(#types #outputs)
}

/// `struct Types<T0, …, C0, …>`, which is `Copy`, and `Default` so that a worker can make one.
fn expand_types(fields: &Fields) -> TokenStream {
    let Fields {
        tasks,
        captures,
        task_types,
        capture_types,
    } = fields;
    quote_spanned! {Span::mixed_site()=>
        struct Types<#(#task_types,)* #(#capture_types,)*> {
            #(#tasks: ::ampeg::__private::Type<#task_types>,)*
            #(#captures: #capture_types,)*
        }
        #[allow(clippy::expl_impl_clone_on_copy, reason = "a derive would bind the types of results")]
        impl<#(#task_types,)* #(#capture_types: ::core::marker::Copy,)*> ::core::clone::Clone
            for Types<#(#task_types,)* #(#capture_types,)*>
        {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<#(#task_types,)* #(#capture_types: ::core::marker::Copy,)*> ::core::marker::Copy
            for Types<#(#task_types,)* #(#capture_types,)*>
        {
        }
        impl<#(#task_types,)* #(#capture_types: ::core::default::Default,)*> ::core::default::Default
            for Types<#(#task_types,)* #(#capture_types,)*>
        {
            fn default() -> Self {
                Self {
                    #(#tasks: ::core::default::Default::default(),)*
                    #(#captures: ::core::default::Default::default(),)*
                }
            }
        }
    }
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

/// `Types { task0: Type::new(), …, capture0: capture0.mode(), … }`
pub(super) fn expand_witness(fields: &Fields) -> TokenStream {
    let Fields {
        tasks, captures, ..
    } = fields;
    let types = tasks
        .iter()
        .map(|task| quote_spanned!(task.span()=> ::ampeg::__private::Type::new()));
    quote_spanned! {Span::mixed_site()=>
        Types {
            #(#tasks: #types,)*
            #(#captures: #captures.mode(),)*
        }
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
        .map(|(index, _)| generated("T", *index))
        .collect();
    let docs: Vec<_> = outputs
        .iter()
        .map(|(_, task)| &task.statement.docs)
        .collect();
    let docs: Vec<_> = docs.iter().map(|docs| quote!(#(#docs)*)).collect();
    quote_spanned! {Span::mixed_site()=>
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #[allow(clippy::derive_partial_eq_without_eq, reason = "equality of results is enough")]
        pub struct Outputs<#(#types),*> {
            #(#docs pub #names: ::core::result::Result<#types, ::ampeg::TaskError>,)*
        }
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #[allow(
            dead_code,
            clippy::derive_partial_eq_without_eq,
            reason = "which of the values are read is up to the program"
        )]
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

/// The closure that makes `Outputs` of the results of a run.
pub(super) fn expand_collect(graph: &Graph, fields: &Fields) -> TokenStream {
    let takes = outputs(graph).map(|(index, task)| {
        let (name, field) = (&task.statement.name, &fields.tasks[index]);
        quote_spanned!(Span::mixed_site()=> #name: results.take(types.#field, #index))
    });
    quote_spanned!(Span::mixed_site()=> move |results: &mut ::ampeg::__private::Results<'_>| Outputs { #(#takes),* })
}

fn outputs(graph: &Graph) -> impl Iterator<Item = (usize, &Task)> {
    graph
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.is_output)
}
