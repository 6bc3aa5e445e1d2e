//! The static facts of a graph: what its statements are called, where they stand, what they depend on.

use super::shape::hash_body;
use crate::resolve::{Graph, Input, Mode, Task};
use crate::source;
use crate::syntax::name_of;
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
    let statements = graph.tasks.iter().map(|task| expand_statement(graph, task));
    let families = (0..graph.names.families.len()).map(|family| expand_family(graph, family));
    let captures = graph.captures.iter().map(|capture| &capture.path);
    let parts = (0..graph.projections.len()).map(|part| super::parts::expand_facts(graph, part));
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
            const PARTS: &'static [::ampeg::__private::Part] = &[#(#parts),*];
        }
    }
}

fn expand_statement(graph: &Graph, task: &Task) -> TokenStream {
    let (name, source, output) = (graph.name(task), &task.statement.source, task.is_output);
    let start = task.statement.name.span().start();
    let (line, column) = (to_u32(start.line), to_u32(start.column + 1));
    let inputs = task.dependencies.iter().map(expand_slot);
    let captures = task.captures.iter().map(|input| to_u32(input.index));
    let index_name = |&index: &usize| {
        graph.names.indices[index]
            .name
            .as_ref()
            .map_or_else(String::new, name_of)
    };
    let indices = task.indices.iter().map(index_name);
    let used_indices = task.used_indices.iter().map(|&place| to_u8(place));
    let (family, shape) = (to_u32(task.family), hash_body(graph, task));
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
            indices: &[#(#indices),*],
            used_indices: &[#(#used_indices),*],
            shape: #shape,
            output: #output,
        }
    }
}

fn expand_slot(input: &Input) -> TokenStream {
    let (family, path) = (to_u32(input.index), &input.text);
    let depth = to_u8(input.depth());
    let (optional, branch) = (!input.conditions.is_empty(), input.in_branch);
    let moved = input.mode == Mode::Take;
    let parts = input.parts.iter().map(|part| to_u32(part.projection));
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Slot {
            family: #family,
            depth: #depth,
            optional: #optional,
            branch: #branch,
            moved: #moved,
            path: #path,
            parts: &[#(#parts),*],
        }
    }
}

fn expand_family(graph: &Graph, family: usize) -> TokenStream {
    let name = graph.names.path(family);
    let statement = to_u32(graph.names.families[family].statements[0]);
    let segments = graph.names.segments(family).into_iter();
    let segments = segments.map(to_u8);
    quote_spanned! {Span::mixed_site()=>
        ::ampeg::__private::Family { name: #name, statement: #statement, segments: &[#(#segments),*] }
    }
}

/// A number of the source text; what is too large for it cannot be compiled anyway.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn to_u8(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
