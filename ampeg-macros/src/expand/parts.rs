//! Parts of results: a projection that takes each part out of the whole, and the expressions for the part in bodies.
//!
//! A body gets the part or, on the worker that has the result, the whole. Its expression works with both.

use super::facts::to_u32;
use super::generated;
use super::inputs::{Bindings, Indices};
use super::types::WitnessNames;
use crate::body::{Hole, Link, part_of};
use crate::origin;
use crate::resolve::{Graph, Input, Mode};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, parse_quote_spanned};

/// The name of a projection.
pub(super) fn projection(part: usize) -> Ident {
    generated("part", part)
}

/// The name of a projection within a body: by the position of the input, and the part among those of the input.
pub(super) fn part_name(position: usize, part: usize) -> Ident {
    format_ident!("ampeg_part{position}_{part}", span = origin::span())
}

/// The projection of a part, and how the part is sent.
pub(super) fn expand_projection(graph: &Graph, index: usize, fields: &WitnessNames) -> TokenStream {
    let part = &graph.projections[index];
    let name = projection(index);
    let family = &fields.families[part.family];
    let bindings = Bindings::of_part(graph, part, fields);
    let (types, pattern) = bindings.expand_types();
    let binds = bindings.bind_inputs(Indices::Used);
    let whole = Ident::new("ampeg_whole", origin::span());
    let place = graph.tasks[part.task].body.as_ref().map(|body| {
        let hole = part.hole(body);
        let part = body.fill_part(hole, &mut |hole, part| bindings.fill(hole, part));
        within(hole, part, &whole, true)
    });
    let given = if binds.is_empty() {
        quote_spanned!(origin::span()=> _, #whole, _)
    } else {
        quote_spanned!(origin::span()=> #pattern, #whole, ampeg_inputs)
    };
    let number = to_u32(index);
    quote_spanned! {origin::span()=>
        let #name = ::ampeg::__private::projection(#family, #types, |#given| { #binds &#place });
        {
            use ::ampeg::__private::carry::*;
            ampeg_call.part(#number, (&&&#name).carry());
        }
    }
}

/// The expression for a part in a body: the first `n_links` fields and brackets are the input `name`.
pub(super) fn replacement(
    input: &Input,
    name: &Ident,
    hole: &Hole,
    mut part: Vec<Link>,
    n_links: usize,
) -> Expr {
    let whole = Ident::new("ampeg_whole", origin::span());
    let beyond = part.split_off(n_links);
    // rustc reports errors about the part at its end, where its advice to clone fits.
    let end = part.last().map_or(hole.span, Link::span);
    let span = origin::span().located_at(end);
    let mut name = name.clone();
    name.set_span(span);
    let is_taken = input.mode == Mode::Take;
    let place = within(hole, part, &whole, !is_taken);
    let found: Expr = if input.depth() > 0 {
        let members = if input.conditions.is_empty() {
            quote_spanned!(span=> &#name)
        } else {
            quote_spanned!(span=> #name.get_ref())
        };
        parse_quote_spanned!(span=> ::ampeg::__private::each(#members, |#whole| &#place))
    } else if is_taken {
        parse_quote_spanned!(span=> #name.find(|#whole| #place))
    } else if input.conditions.is_empty() {
        parse_quote_spanned!(span=> (*#name.find(|#whole| &#place)))
    } else {
        parse_quote_spanned!(span=> (*#name.get().find(|#whole| &#place)))
    };
    part_of(found, beyond)
}

/// The part of the variable `whole`.
fn within(hole: &Hole, part: Vec<Link>, whole: &Ident, is_borrowed: bool) -> Expr {
    let span = origin::span().located_at(hole.whole.span());
    let mut whole = whole.clone();
    whole.set_span(span);
    let value = if is_borrowed {
        parse_quote_spanned!(span=> (*#whole))
    } else {
        parse_quote_spanned!(span=> #whole)
    };
    part_of(value, part)
}
