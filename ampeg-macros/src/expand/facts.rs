//! The static facts of a graph: what its statements are called, where they stand, what they depend on.

use crate::resolve::{Graph, Task};
use crate::source;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// What tells one graph from every other in the program.
pub(crate) struct Identity {
    hash: u64,
}

impl Identity {
    pub(crate) fn of(tokens: &TokenStream) -> Self {
        let span = Span::call_site();
        let place = format!("{}:{:?}", span.file(), span.start());
        Self {
            hash: source::hash(tokens, &place),
        }
    }
}

pub(super) fn expand(graph: &Graph, identity: &Identity) -> TokenStream {
    let hash = identity.hash;
    let statements = graph.tasks.iter().map(expand_statement);
    let captures = graph.captures.iter().map(|capture| &capture.path);
    quote_spanned! {Span::mixed_site()=>
        struct Source;
        impl ::ampeg::__private::Source for Source {
            const HASH: u64 = #hash;
            const STATEMENTS: &'static [::ampeg::__private::Statement] = &[#(#statements),*];
            const CAPTURES: &'static [&'static str] = &[#(#captures),*];
        }
    }
}

fn expand_statement(task: &Task) -> TokenStream {
    let (name, source, output) = (task.name(), &task.statement.source, task.is_output);
    let start = task.statement.name.span().start();
    let (line, column) = (to_u32(start.line), to_u32(start.column + 1));
    let inputs = task.dependencies.iter().map(|input| to_u32(input.index));
    let captures = task.captures.iter().map(|input| to_u32(input.index));
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Statement {
            name: #name,
            source: #source,
            file: ::core::file!(),
            line: #line,
            column: #column,
            inputs: &[#(#inputs),*],
            captures: &[#(#captures),*],
            output: #output,
        }
    }
}

/// A number of the source text; what is too large for it cannot be compiled anyway.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
