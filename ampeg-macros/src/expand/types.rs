//! The witnesses of a graph's types, and tuples of any length.

use super::generated;
use crate::origin;
use crate::resolve::{Capture, Graph};
use crate::suggest;
use crate::syntax::name_of;
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Index};

/// The names of the families, captures and indices of a graph in generated code.
pub(super) struct WitnessNames {
    pub(super) families: Vec<Ident>,
    pub(super) captures: Vec<Ident>,
    /// `None` for an index with a single value.
    pub(super) indices: Vec<Option<Ident>>,
}

impl WitnessNames {
    pub(super) fn of(graph: &Graph) -> Self {
        let names = |prefix, n: usize| (0..n).map(|index| generated(prefix, index)).collect();
        let indices = graph.names.indices.iter().enumerate();
        Self {
            families: names("task", graph.names.families.len()),
            captures: names("capture", graph.captures.len()),
            indices: indices
                .map(|(index, facts)| facts.name.as_ref().map(|_| generated("index", index)))
                .collect(),
        }
    }
}

/// The longest tuple for which the runtime implements the traits of generated code.
const LONGEST: usize = 12;

/// Any number of items as nested tuples, none longer than `LONGEST`.
pub(super) fn tuple(mut items: Vec<TokenStream>) -> TokenStream {
    while items.len() > LONGEST {
        let groups = items.chunks(LONGEST);
        items = groups.map(|group| quote!((#(#group,)*))).collect();
    }
    quote!((#(#items,)*))
}

/// The path of fields to each of `n` items in their [`tuple`].
pub(super) fn places(n: usize) -> Vec<TokenStream> {
    let mut places = vec![Vec::new(); n];
    let mut width = n;
    let mut step = 1;
    while width > LONGEST {
        for (index, place) in places.iter_mut().enumerate() {
            place.insert(0, index / step % LONGEST);
        }
        (width, step) = (width.div_ceil(LONGEST), step * LONGEST);
    }
    let respan_delimiters = places.iter_mut().enumerate();
    respan_delimiters.for_each(|(index, place)| place.insert(0, index / step));
    let tokens = |place: Vec<usize>| {
        let place = place.into_iter().map(Index::from);
        quote_spanned!(origin::span()=> #(.#place)*)
    };
    places.into_iter().map(tokens).collect()
}

/// Splits the [`tuple`] of `n` items into its innermost tuples; returns the place of each item in them.
///
/// rustc's time for each mention of a tuple grows with its length, so tuples that are mentioned once per item are short.
pub(super) fn unpack(tuple: &Ident, n: usize) -> (Option<TokenStream>, Vec<TokenStream>) {
    if n <= LONGEST {
        let places = places(n).into_iter().map(|place| quote!(#tuple #place));
        return (None, places.collect());
    }
    let rows: Vec<_> = (0..n.div_ceil(LONGEST))
        .map(|row| generated("row", row))
        .collect();
    let pattern = self::tuple(rows.iter().map(quote::ToTokens::to_token_stream).collect());
    let places = (0..n).map(|index| {
        let (row, place) = (&rows[index / LONGEST], Index::from(index % LONGEST));
        quote_spanned!(origin::span()=> #row.#place)
    });
    let unpack = quote_spanned!(origin::span()=> let #pattern = #tuple;);
    (Some(unpack), places.collect())
}

/// `let (capture0, …) = …`: how each captured name is sent, and its bytes.
pub(super) fn expand_probes(graph: &Graph, fields: &WitnessNames) -> TokenStream {
    if graph.captures.is_empty() {
        return TokenStream::new();
    }
    let captures = &fields.captures;
    let probes = graph.captures.iter().map(|capture| {
        let (expression, span) = (&capture.expression, capture.span);
        let reference = quote_spanned!(origin::span()=> &#expression);
        let span = origin::span().located_at(span);
        // Names of one or two letters are always near each other.
        let is_word = matches!(expression, Expr::Path(_)) && capture.path.len() > 2;
        let bait = is_word.then(|| expand_suggestion_bait(graph, capture));
        quote_spanned!(span=> (&&&&&::ampeg::__private::probe::Probe::new({ #bait #reference })).probe())
    });
    quote_spanned! {origin::span()=>
        let (#(#captures,)*) = {
            use ::ampeg::__private::probe::*;
            (#(#probes,)*)
        };
    }
}

/// A constant with the name of the task that is nearest to a captured name, if one is near.
///
/// If the captured variable does not exist, rustc looks for similar names and suggests this one.
/// It is imported, not declared, so that no lint compares it with the user's variables.
fn expand_suggestion_bait(graph: &Graph, capture: &Capture) -> Option<TokenStream> {
    let families = graph.names.families.iter();
    // A constant with the same name would hide the variable; such a task has another hygiene context.
    let tasks: Vec<(String, &Ident)> = families
        .filter(|family| family.group == 0)
        .map(|family| (name_of(&family.name), &family.name))
        .filter(|(name, _)| *name != capture.path && !name.starts_with('_'))
        .collect();
    let near = suggest::nearest(&capture.path, tasks.iter().map(|(name, _)| &**name))?;
    let (_, name) = tasks.iter().find(|(name, _)| name == near)?;
    let mut name = (*name).clone();
    name.set_span(capture.span.located_at(name.span()));
    Some(quote_spanned! {origin::span()=>
        use ::ampeg::messages::TASK as #name;
        let _ = #name;
    })
}
