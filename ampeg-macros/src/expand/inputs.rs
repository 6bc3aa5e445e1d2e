//! The variables of one body: how it takes its inputs and indices, and what fills its holes.

use super::generated;
use super::parts::{self, part_name, projection};
use super::types::{WitnessNames, tuple};
use crate::body::{Hole, Link, Origin, Position, part_of};
use crate::origin;
use crate::resolve::{Graph, Input, Mode, Projection, Task, local_name};
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::collections::{HashMap, HashSet};
use syn::spanned::Spanned;
use syn::{Expr, parse_quote_spanned};

/// The variables of one body.
pub(super) struct Bindings<'a> {
    graph: &'a Graph,
    task: &'a Task,
    fields: &'a WitnessNames,
    /// The inputs, in order.
    inputs: Vec<Bound<'a>>,
    positions: HashMap<Origin, usize>,
    /// The positions of the indices, in order.
    used_indices: Vec<usize>,
    /// The variables of indices, by position among those of the statement.
    indices: HashMap<usize, Ident>,
}

/// An input, and its variables in a body.
struct Bound<'a> {
    origin: Origin,
    input: &'a Input,
    /// The name of the witness of its type.
    field: &'a Ident,
    /// One variable, or one for each part.
    names: Vec<Ident>,
}

impl<'a> Bindings<'a> {
    /// The variables of a task's body.
    pub(super) fn of(graph: &'a Graph, task: &'a Task, fields: &'a WitnessNames) -> Self {
        let dependencies = (0..task.dependencies.len()).map(Origin::Dependency);
        let captures = (0..task.captures.len()).map(Origin::Capture);
        let origins = dependencies.chain(captures).collect();
        Self::new(graph, task, fields, origins, task.used_indices.clone())
    }

    /// The variables of a projection: the captures and indices in its brackets.
    pub(super) fn of_part(graph: &'a Graph, part: &Projection, fields: &'a WitnessNames) -> Self {
        let task = &graph.tasks[part.task];
        let captures = part.captures.iter().copied().map(Origin::Capture);
        Self::new(
            graph,
            task,
            fields,
            captures.collect(),
            part.indices.clone(),
        )
    }

    fn new(
        graph: &'a Graph,
        task: &'a Task,
        fields: &'a WitnessNames,
        origins: Vec<Origin>,
        used_indices: Vec<usize>,
    ) -> Self {
        let mut taken = HashSet::new();
        let mut new = |path: &str, span: Span| {
            let mut path = path.to_owned();
            while !taken.insert(local_name(&path, span).to_string()) {
                path.push('_');
            }
            local_name(&path, span)
        };
        let mut indices = HashMap::new();
        for &place in &used_indices {
            if let Some(name) = &graph.names.indices[task.indices[place]].name {
                indices.insert(place, new(&name_of(name), name.span()));
            }
        }
        let inputs = origins.into_iter().filter_map(|origin| {
            let (input, field) = match origin {
                Origin::Dependency(position) => {
                    let input = &task.dependencies[position];
                    (input, &fields.families[input.index])
                }
                Origin::Capture(position) => {
                    let input = &task.captures[position];
                    (input, &fields.captures[input.index])
                }
                Origin::Index(_) | Origin::Error => return None,
            };
            let n_names = input.parts.len().max(1);
            let names = (0..n_names).map(|_| new(&input.path, input.span)).collect();
            Some(Bound {
                origin,
                input,
                field,
                names,
            })
        });
        let inputs: Vec<Bound<'_>> = inputs.collect();
        let positions = inputs.iter().map(|bound| bound.origin).zip(0..);
        Self {
            positions: positions.collect(),
            inputs,
            graph,
            task,
            fields,
            used_indices,
            indices,
        }
    }

    /// The number of each index among those that are passed, its position in the statement, and its witness.
    fn used_indices(&self) -> impl Iterator<Item = (usize, usize, &'a Ident)> {
        let places = self.used_indices.iter().enumerate();
        places.filter_map(|(number, &place)| {
            let field = &self.fields.indices[self.task.indices[place]];
            Some((number, place, field.as_ref()?))
        })
    }

    /// The witnesses of the inputs, and a pattern for them.
    pub(super) fn expand_types(&self) -> (TokenStream, TokenStream) {
        let indices: Vec<TokenStream> = self
            .used_indices()
            .map(|(_, _, field)| field.to_token_stream())
            .collect();
        let (mut types, mut pattern) = (Vec::new(), Vec::new());
        for (position, bound) in self.inputs.iter().enumerate() {
            let Bound { input, field, .. } = bound;
            let optional = (!input.conditions.is_empty())
                .then(|| quote_spanned!(origin::span()=> .optional()));
            let lists = (0..input.depth()).map(|_| quote_spanned!(origin::span()=> .list()));
            let lists: TokenStream = lists.collect();
            if !input.parts.is_empty() {
                let parts = input.parts.iter().enumerate();
                let (parts, names) = parts
                    .map(|(number, part)| {
                        let projection = projection(part.projection);
                        let name = part_name(position, number);
                        (
                            quote_spanned!(origin::span()=> #projection #lists #optional),
                            name.to_token_stream(),
                        )
                    })
                    .unzip();
                types.push(tuple(parts));
                pattern.push(tuple(names));
                continue;
            }
            types.push(quote_spanned!(origin::span()=> #field #lists #optional));
            pattern.push(self.type_name(position, bound).to_token_stream());
        }
        let all =
            |types: Vec<TokenStream>| tuple(types.into_iter().chain(indices.clone()).collect());
        (all(types), all(pattern))
    }

    /// The name of an input's witness within the body.
    fn type_name(&self, position: usize, bound: &Bound<'_>) -> Ident {
        match bound.origin {
            Origin::Dependency(_) if !self.task.is_plain() => slot(position),
            _ => bound.field.clone(),
        }
    }

    /// The statements that take or borrow the inputs, indices first.
    pub(super) fn bind_inputs(&self, given: Indices) -> TokenStream {
        let indices = self.used_indices().map(|(number, place, field)| {
            let name = &self.indices[&place];
            let values = &self.graph.names.indices[self.task.indices[place]].expression;
            // rustc reports values here that cannot be indices.
            let span = origin::span().located_at(values.span());
            let field = located(field, span);
            let number = match given {
                Indices::All => place,
                Indices::Used => number,
            };
            let take = quote_spanned!(span=> #field.get(ampeg_inputs, #number));
            quote_spanned!(origin::span()=> let #name = #take;)
        });
        let inputs = self.inputs.iter().enumerate();
        let binds = inputs.map(|(position, bound)| self.bind_input(bound, position));
        quote!(#(#indices)* #(#binds)*)
    }

    fn bind_input(&self, bound: &Bound<'_>, position: usize) -> TokenStream {
        let Bound { input, names, .. } = bound;
        let field = self.type_name(position, bound);
        let method = match input.mode {
            Mode::Take => "take",
            Mode::TakeOrClone => "take_or_clone",
            Mode::Borrow => "borrow",
        };
        let method = Ident::new(method, origin::span().located_at(input.span));
        if input.parts.is_empty() {
            let name = &names[0];
            return quote_spanned!(origin::span()=> let #name = #field.#method(ampeg_inputs, #position););
        }
        let binds = names.iter().enumerate().map(|(part, name)| {
            let projection = part_name(position, part);
            quote_spanned!(origin::span()=> let #name = #projection.#method(ampeg_inputs, #position, #part);)
        });
        quote!(#(#binds)*)
    }

    /// The expression for a hole.
    pub(super) fn fill(&self, hole: &Hole, part: Vec<Link>) -> Expr {
        let span = origin::span().located_at(hole.span);
        if let Origin::Index(place) = hole.origin
            && let Some(name) = self.indices.get(&place)
        {
            let name = located(name, span);
            return parse_quote_spanned!(span=> #name);
        }
        let Some(&position) = self.positions.get(&hole.origin) else {
            return hole.whole.clone();
        };
        let Bound { input, names, .. } = &self.inputs[position];
        // Parts of each member of a list are separate inputs. For one result, `a.x` contains `a.x.y`.
        let holds = |outer: &[Link]| match input.depth() {
            0 => hole.part.starts_with(outer),
            _ => hole.part == outer,
        };
        if let Some(number) = input.parts.iter().position(|part| holds(&part.links)) {
            let n_links = input.parts[number].links.len();
            return parts::replacement(input, &names[number], hole, part, n_links);
        }
        let position = match &*part {
            [] => hole.position,
            _ => Position::Place,
        };
        part_of(
            replacement(input, &located(&names[0], span), position, span),
            part,
        )
    }
}

/// The indices whose values are passed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Indices {
    /// All indices of the statement.
    All,
    /// The used indices, in order.
    Used,
}

fn located(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// The expression for a use of an input.
fn replacement(input: &Input, name: &Ident, position: Position, span: Span) -> Expr {
    let is_borrowed = input.mode == Mode::Borrow;
    let is_value = position == Position::Value;
    // A conditional input is wrapped in `Maybe`, so borrowing it needs one more step.
    let place: TokenStream = match (input.conditions.is_empty(), is_borrowed) {
        (true, true) => quote_spanned!(span=> *#name),
        (true, false) => quote_spanned!(span=> #name),
        (false, true) => quote_spanned!(span=> *#name.get()),
        (false, false) => quote_spanned!(span=> *#name.get_ref()),
    };
    let is_owned = !is_borrowed && !input.is_shared();
    if is_owned && input.conditions.is_empty() {
        parse_quote_spanned!(span=> #name)
    } else if is_owned && is_value {
        parse_quote_spanned!(span=> #name.get())
    } else if is_value {
        // The clone is in a `let`, since the expected type must not decide whether the value or a reference is cloned.
        parse_quote_spanned!(span=> { let #name = ::core::clone::Clone::clone(&#place); #name })
    } else {
        parse_quote_spanned!(span=> (#place))
    }
}

/// The name of an input's witness, if one family may have several.
fn slot(position: usize) -> Ident {
    generated("slot", position)
}
