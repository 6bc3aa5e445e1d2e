//! The static facts of a graph: name, text, location and dependencies of each statement.

use super::body_hash::hash_body;
use crate::origin;
use crate::resolve::{Graph, Input, Mode, Projection, Task};
use crate::source;
use crate::syntax::name_of;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::fmt::{Display, Write as _};

/// A number that no other graph of the program has.
pub(crate) struct GraphHash(u64);

impl GraphHash {
    pub(crate) fn of(tokens: &TokenStream) -> Self {
        let first = tokens.clone().into_iter().next();
        let span = first.map_or_else(Span::call_site, |tree| tree.span());
        let place = format!("{}:{:?}", span.file(), span.start());
        Self(source::hash(tokens, &place))
    }
}

/// The facts as one text, which `facts/text.rs` of the runtime reads. As structs, they would take most of rustc's time.
pub(super) fn expand(graph: &Graph, hash: &GraphHash) -> TokenStream {
    let hash = hash.0;
    let mut text = Text::default();
    text.list(&graph.tasks, |text, task| text.statement(graph, task));
    text.list(0..graph.names.families.len(), |text, family| {
        text.family(graph, family);
    });
    text.list(&graph.captures, |text, capture| text.text(&capture.path));
    text.list(&graph.projections, |text, part| text.part(graph, part));
    let text = text.0;
    quote_spanned! {origin::span()=>
        struct Source;
        impl ::ampeg::__private::Source for Source {
            const HASH: u64 = #hash;
            fn facts() -> &'static ::ampeg::__private::Facts {
                static FACTS: ::ampeg::__private::FactsText =
                    ::ampeg::__private::FactsText::new(#text, ::core::file!());
                FACTS.read()
            }
        }
    }
}

/// A number is decimal, with a space after it; a text follows its length; the items of a list follow their number.
#[derive(Default)]
struct Text(String);

impl Text {
    fn statement(&mut self, graph: &Graph, task: &Task) {
        let start = task.statement.name.span().start();
        self.text(&graph.name(task));
        self.text(&task.statement.source);
        self.number(start.line);
        self.number(start.column + 1);
        self.number(task.family);
        self.list(&task.dependencies, Self::slot);
        self.list(&task.captures, |text, input| text.number(input.index));
        self.list(&task.indices, |text, &index| {
            let name = &graph.names.indices[index].name;
            text.text(&name.as_ref().map_or_else(String::new, name_of));
        });
        self.list(&task.used_indices, |text, &place| text.number(place));
        self.number(hash_body(task));
        self.is(task.is_output);
    }

    fn slot(&mut self, input: &Input) {
        self.number(input.index);
        self.number(input.depth());
        self.is(!input.conditions.is_empty());
        self.is(input.in_branch);
        self.is(input.mode == Mode::Take);
        self.text(&input.text);
        self.list(&input.parts, |text, part| text.number(part.projection));
    }

    fn family(&mut self, graph: &Graph, family: usize) {
        self.text(&graph.names.path(family));
        self.number(graph.names.families[family].statements[0]);
        self.list(graph.names.segments(family), Self::number);
    }

    fn part(&mut self, graph: &Graph, part: &Projection) {
        let captures = &graph.tasks[part.task].captures;
        self.list(&part.captures, |text, &capture| {
            text.number(captures[capture].index);
        });
        self.list(&part.indices, |text, &place| text.number(place));
    }

    fn list<I>(&mut self, items: I, mut item: impl FnMut(&mut Self, I::Item))
    where
        I: IntoIterator<IntoIter: ExactSizeIterator>,
    {
        let items = items.into_iter();
        self.number(items.len());
        for each in items {
            item(self, each);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.push_str(text);
    }

    fn is(&mut self, is: bool) {
        self.number(u8::from(is));
    }

    fn number(&mut self, number: impl Display) {
        // A `String` takes whatever is written to it.
        let _ = write!(self.0, "{number} ");
    }
}

/// A position or count in the source text. A graph with more than `u32::MAX` of anything cannot be compiled.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
