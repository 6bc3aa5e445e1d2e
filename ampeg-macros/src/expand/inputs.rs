//! What the names in one body are bound to: dependencies, captures and indices, and how each is taken.

use super::generated;
use super::types::{Fields, tuple};
use crate::body::{self, Meaning, Position, Segment, Use, Visitor};
use crate::resolve::{Graph, Input, Key, Mode, Scope, Task, binding};
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
    by_key: HashMap<&'a Key, (&'a Input, Ident)>,
    /// By the place of the index among those of the statement.
    indices: HashMap<usize, Ident>,
}

impl<'a> Bindings<'a> {
    pub(super) fn of(graph: &'a Graph, task: &'a Task, fields: &'a Fields) -> Self {
        let mut taken = HashSet::new();
        let mut new = |path: &str, span: Span| {
            let mut path = path.to_owned();
            while !taken.insert(binding(&path, span).to_string()) {
                path.push('_');
            }
            binding(&path, span)
        };
        let mut indices = HashMap::new();
        for &place in &task.used_indices {
            if let Some(name) = &graph.names.indices[task.indices[place]].name {
                indices.insert(place, new(&name_of(name), name.span()));
            }
        }
        let inputs = task.dependencies.iter().chain(&task.captures);
        let by_key = inputs
            .map(|input| (&input.key, (input, new(&input.path, input.span))))
            .collect();
        Self {
            graph,
            task,
            fields,
            by_key,
            indices,
        }
    }

    fn inputs(&self) -> impl Iterator<Item = (&'a Input, &'a Ident)> {
        let fields = self.fields;
        let dependencies = self
            .task
            .dependencies
            .iter()
            .map(|input| (input, &fields.families[input.index]));
        let captures = self
            .task
            .captures
            .iter()
            .map(|input| (input, &fields.captures[input.index]));
        dependencies.chain(captures)
    }

    fn used_indices(&self) -> impl Iterator<Item = (usize, &'a Ident)> {
        let places = self.task.used_indices.iter();
        places.filter_map(|&place| {
            Some((
                place,
                self.fields.indices[self.task.indices[place]].as_ref()?,
            ))
        })
    }

    /// The types of the inputs, and a pattern for them.
    pub(super) fn expand_types(&self) -> (TokenStream, TokenStream) {
        let indices: Vec<TokenStream> = self
            .used_indices()
            .map(|(_, field)| field.to_token_stream())
            .collect();
        let (mut types, mut pattern) = (Vec::new(), Vec::new());
        for (position, (input, field)) in self.inputs().enumerate() {
            let lists = (0..input.depth()).map(|_| quote_spanned!(Span::mixed_site()=> .list()));
            let optional = (!input.conditions.is_empty())
                .then(|| quote_spanned!(Span::mixed_site()=> .optional()));
            types.push(quote_spanned!(Span::mixed_site()=> #field #(#lists)* #optional));
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
    pub(super) fn expand_takes(&self) -> TokenStream {
        let indices = self.used_indices().map(|(place, field)| {
            let name = &self.indices[&place];
            let values = &self.graph.names.indices[self.task.indices[place]].expression;
            // Where rustc points if no index can have these values.
            let span = Span::mixed_site().located_at(values.span());
            let field = located(field, span);
            let take = quote_spanned!(span=> #field.get(ampeg_inputs, #place));
            quote_spanned!(Span::mixed_site()=> let #name = #take;)
        });
        let inputs = self.inputs().enumerate();
        let takes = inputs.map(|(position, (input, field))| {
            self.expand_take(input, position, &self.type_name(position, input, field))
        });
        quote!(#(#indices)* #(#takes)*)
    }

    fn expand_take(&self, input: &Input, position: usize, field: &Ident) -> TokenStream {
        let (_, name) = &self.by_key[&input.key];
        let method = match input.mode {
            Mode::Take => "take",
            Mode::TakeOrClone => "take_or_clone",
            Mode::Borrow => "borrow",
        };
        let method = Ident::new(method, Span::mixed_site().located_at(input.span));
        quote_spanned!(Span::mixed_site()=> let #name = #field.#method(ampeg_inputs, #position);)
    }

    /// The body with each use of an input in place of its name.
    pub(super) fn expand_body(&self) -> Expr {
        let mut body = body_of(self.task);
        body::walk(&mut body, &mut Replace { bindings: self });
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
        let span = Span::mixed_site().located_at(used.span());
        if used.meaning == Meaning::Index {
            let Some(Key::Index(place)) = scope.key(used) else {
                return None;
            };
            let name = located(indices.get(&place)?, span);
            return Some(parse_quote_spanned!(span=> #name));
        }
        let (input, name) = find(scope, used, by_key)?;
        Some(replacement(
            input,
            &located(name, span),
            used.position,
            span,
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
