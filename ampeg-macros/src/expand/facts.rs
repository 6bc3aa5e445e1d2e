//! The static facts of a graph: what its statements are called, where they stand, what they depend on.

use crate::resolve::{Graph, Input, Mode, Task};
use crate::source;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

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
    let tasks = || graph.tasks.iter().enumerate();
    let statements = tasks().map(|(index, task)| expand_statement(graph, index, task));
    let families = tasks().map(|(index, task)| expand_family(index, task));
    let captures = graph.captures.iter().map(|capture| &capture.path);
    quote_spanned! {Span::mixed_site()=>
        // In items of their own: to clippy, long arrays anywhere else are on the stack.
        const STATEMENTS: &[::ampeg::__private::Statement] = &[#(#statements),*];
        const FAMILIES: &[::ampeg::__private::Family] = &[#(#families),*];
        struct Source;
        impl ::ampeg::__private::Source for Source {
            const HASH: u64 = #hash;
            const STATEMENTS: &'static [::ampeg::__private::Statement] = STATEMENTS;
            const FAMILIES: &'static [::ampeg::__private::Family] = FAMILIES;
            const CAPTURES: &'static [&'static str] = &[#(#captures),*];
        }
    }
}

fn expand_statement(graph: &Graph, index: usize, task: &Task) -> TokenStream {
    let (name, source, output) = (task.name(), &task.statement.source, task.is_output);
    let start = task.statement.name.span().start();
    let (line, column) = (to_u32(start.line), to_u32(start.column + 1));
    let inputs = task
        .dependencies
        .iter()
        .map(|input| expand_slot(graph, input));
    let captures = task.captures.iter().map(|input| to_u32(input.index));
    let (family, shape) = (to_u32(index), shape(task));
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Statement {
            name: #name,
            source: #source,
            file: ::core::file!(),
            line: #line,
            column: #column,
            family: #family,
            inputs: &[#(#inputs),*],
            captures: &[#(#captures),*],
            indices: &[],
            shape: #shape,
            output: #output,
        }
    }
}

fn expand_slot(graph: &Graph, input: &Input) -> TokenStream {
    let (family, path) = (to_u32(input.index), graph.tasks[input.index].name());
    let moved = input.mode == Mode::Take;
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Slot {
            family: #family,
            depth: 0,
            optional: false,
            branch: false,
            moved: #moved,
            path: #path,
        }
    }
}

fn expand_family(index: usize, task: &Task) -> TokenStream {
    let (name, statement) = (task.name(), to_u32(index));
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Family { name: #name, statement: #statement, segments: &[0] }
    }
}

/// A number that tells bodies of different tokens apart.
fn shape(task: &Task) -> u64 {
    source::hash(&task.statement.body.to_token_stream(), "")
}

/// A number of the source text; what is too large for it cannot be compiled anyway.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
