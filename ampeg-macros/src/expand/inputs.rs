//! What the names in one body are bound to: dependencies, captures and indices, and how each is taken.

use super::generated;
use super::parts::{self, part_name, projection};
use super::types::{Fields, tuple};
use crate::body::{self, Meaning, Position, Segment, Use, Visitor};
use crate::origin;
use crate::resolve::{Graph, Input, Key, Mode, PartOf, Projection, Scope, Task, binding};
use crate::syntax::name_of;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::collections::{HashMap, HashSet};
use syn::spanned::Spanned;
use syn::{Expr, ExprReturn, parse_quote, parse_quote_spanned};

/// What the names of one body are bound to.
pub(super) struct Bindings<'a> {
    graph: &'a Graph,
    task: &'a Task,
    fields: &'a Fields,
    /// The inputs that are bound, in order, with the names of their types.
    inputs: Vec<(&'a Input, &'a Ident)>,
    /// The places of the indices that are bound, in order.
    used_indices: Vec<usize>,
    /// The names of an input: one, or one for each part of it.
    by_key: HashMap<&'a Key, (&'a Input, Vec<Ident>)>,
    /// By the place of the index among those of the statement.
    indices: HashMap<usize, Ident>,
}

impl<'a> Bindings<'a> {
    /// What the body of a task is given.
    pub(super) fn of(graph: &'a Graph, task: &'a Task, fields: &'a Fields) -> Self {
        let dependencies = task
            .dependencies
            .iter()
            .map(|input| (input, &fields.families[input.index]));
        let captures = task
            .captures
            .iter()
            .map(|input| (input, &fields.captures[input.index]));
        let inputs = dependencies.chain(captures).collect();
        Self::new(graph, task, fields, inputs, task.used_indices.clone())
    }

    /// What is given where a part is taken out: what is in its brackets.
    pub(super) fn of_part(graph: &'a Graph, part: &Projection, fields: &'a Fields) -> Self {
        let task = &graph.tasks[part.task];
        let captures = part.captures.iter().map(|&capture| {
            let input = &task.captures[capture];
            (input, &fields.captures[input.index])
        });
        let inputs = captures.collect();
        Self::new(graph, task, fields, inputs, part.indices.clone())
    }

    fn new(
        graph: &'a Graph,
        task: &'a Task,
        fields: &'a Fields,
        inputs: Vec<(&'a Input, &'a Ident)>,
        used_indices: Vec<usize>,
    ) -> Self {
        let mut taken = HashSet::new();
        let mut new = |path: &str, span: Span| {
            let mut path = path.to_owned();
            while !taken.insert(binding(&path, span).to_string()) {
                path.push('_');
            }
            binding(&path, span)
        };
        let mut indices = HashMap::new();
        for &place in &used_indices {
            if let Some(name) = &graph.names.indices[task.indices[place]].name {
                indices.insert(place, new(&name_of(name), name.span()));
            }
        }
        let by_key = inputs.iter().map(|&(input, _)| {
            let n_names = input.parts.len().max(1);
            let names = (0..n_names).map(|_| new(&input.path, input.span)).collect();
            (&input.key, (input, names))
        });
        Self {
            by_key: by_key.collect(),
            graph,
            task,
            fields,
            inputs,
            used_indices,
            indices,
        }
    }

    /// The number of each bound index among those given, its place and its type.
    fn used_indices(&self) -> impl Iterator<Item = (usize, usize, &'a Ident)> {
        let places = self.used_indices.iter().enumerate();
        places.filter_map(|(number, &place)| {
            let field = &self.fields.indices[self.task.indices[place]];
            Some((number, place, field.as_ref()?))
        })
    }

    /// The types of the inputs, and a pattern for them.
    pub(super) fn expand_types(&self) -> (TokenStream, TokenStream) {
        let indices: Vec<TokenStream> = self
            .used_indices()
            .map(|(_, _, field)| field.to_token_stream())
            .collect();
        let (mut types, mut pattern) = (Vec::new(), Vec::new());
        for (position, &(input, field)) in self.inputs.iter().enumerate() {
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
            pattern.push(self.type_name(position, input, field).to_token_stream());
        }
        let all =
            |types: Vec<TokenStream>| tuple(types.into_iter().chain(indices.clone()).collect());
        (all(types), all(pattern))
    }

    /// The name of an input's type within the body.
    fn type_name(&self, position: usize, input: &Input, field: &Ident) -> Ident {
        if matches!(input.key, Key::Slot(..)) && !self.task.is_plain() {
            slot(position)
        } else {
            field.clone()
        }
    }

    /// Takes or borrows each, indices first.
    pub(super) fn expand_takes(&self, given: Indices) -> TokenStream {
        let indices = self.used_indices().map(|(number, place, field)| {
            let name = &self.indices[&place];
            let values = &self.graph.names.indices[self.task.indices[place]].expression;
            // Where rustc points if no index can have these values.
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
        let takes = inputs.map(|(position, &(input, field))| {
            self.expand_take(input, position, &self.type_name(position, input, field))
        });
        quote!(#(#indices)* #(#takes)*)
    }

    fn expand_take(&self, input: &Input, position: usize, field: &Ident) -> TokenStream {
        let (_, names) = &self.by_key[&input.key];
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
        let takes = names.iter().enumerate().map(|(part, name)| {
            let projection = part_name(position, part);
            quote_spanned!(origin::span()=> let #name = #projection.#method(ampeg_inputs, #position, #part);)
        });
        quote!(#(#takes)*)
    }

    /// An expression of this statement's with each use of an input in place of its name.
    pub(super) fn replace(&self, expression: &mut Expr) {
        body::walk(expression, &mut Replace { bindings: self });
    }

    /// The body with each use of an input in place of its name.
    pub(super) fn expand_body(&self) -> Expr {
        let mut body = body_of(self.task);
        self.replace(&mut body);
        body
    }
}

pub(super) fn body_of(task: &Task) -> Expr {
    task.statement
        .body
        .clone()
        .unwrap_or_else(|| parse_quote!(()))
}

/// The key under which a use was resolved: that of a use without conditions stands for all.
pub(super) fn find<'k, V>(
    scope: Scope<'_>,
    used: &Use<'_>,
    by_key: &'k HashMap<&Key, V>,
) -> Option<&'k V> {
    let key = scope.key(used)?;
    let is_always = used.conditions.is_empty();
    let always = if is_always { None } else { key.always() };
    let always = always.and_then(|always| by_key.get(&always));
    always.or_else(|| by_key.get(&key))
}

/// Which indices the values are given of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Indices {
    /// All of the statement.
    All,
    /// Those that are used, in order.
    Used,
}

struct Replace<'a> {
    bindings: &'a Bindings<'a>,
}

impl Visitor for Replace<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.bindings
            .graph
            .scope(self.bindings.task)
            .meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        self.bindings.graph.scope(self.bindings.task).has_indices()
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let Bindings {
            graph,
            task,
            by_key,
            indices,
            ..
        } = self.bindings;
        let scope = graph.scope(task);
        let span = origin::span().located_at(used.span());
        if used.meaning == Meaning::Index {
            let Some(Key::Index(place)) = scope.key(used) else {
                return None;
            };
            let name = located(indices.get(&place)?, span);
            return Some(parse_quote_spanned!(span=> #name));
        }
        let (input, names) = find(scope, used, by_key)?;
        let name = located(names.first()?, span);
        Some(replacement(input, &name, used.position, span))
    }

    fn wants_part(&self, used: &Use<'_>) -> bool {
        let Bindings {
            graph,
            task,
            by_key,
            ..
        } = self.bindings;
        let is_wanted = |input: &Input| {
            let is_list = input.depth() > 0;
            !input.parts.is_empty() && (is_list || used.position != Position::Unknown)
        };
        find(graph.scope(task), used, by_key).is_some_and(|(input, _)| is_wanted(input))
    }

    fn on_part(&mut self, used: &Use<'_>, expression: &Expr) -> Option<Expr> {
        let Bindings {
            graph,
            task,
            by_key,
            ..
        } = self.bindings;
        let (input, names) = find(graph.scope(task), used, by_key)?;
        let part = used.part;
        // Of a list, each part is one by itself.
        let holds = |outer: &PartOf| match input.depth() {
            0 => part.starts_with(&outer.segments),
            _ => part == outer.segments,
        };
        let number = input.parts.iter().position(holds)?;
        let name = located(&names[number], origin::span().located_at(used.span()));
        Some(parts::replacement(
            input,
            &name,
            expression,
            (part.len(), input.parts[number].segments.len()),
        ))
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}

fn located(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// What stands for an input where it is used.
fn replacement(input: &Input, name: &Ident, position: Position, span: Span) -> Expr {
    let is_borrowed = input.mode == Mode::Borrow;
    let is_value = position == Position::Value;
    // A place of what is there under a condition is one in a place of its own.
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
        // In a `let`, since what is expected here must not decide what is cloned.
        parse_quote_spanned!(span=> { let #name = ::core::clone::Clone::clone(&#place); #name })
    } else {
        parse_quote_spanned!(span=> (#place))
    }
}

/// The name of a slot's type where one family has several.
fn slot(position: usize) -> Ident {
    generated("slot", position)
}
