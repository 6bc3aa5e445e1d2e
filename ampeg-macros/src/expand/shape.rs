//! What tells whether two bodies do the same: their text, with places in place of names.

use super::inputs::{body_of, find};
use crate::body::{self, Meaning, Segment, Use, Visitor};
use crate::resolve::{Graph, Key, Scope, Task};
use crate::source;
use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use std::collections::HashMap;
use syn::{Expr, ExprReturn, parse_quote};

/// A number that is equal for bodies that are equal but for the names of what they use.
pub(super) fn hash_body(graph: &Graph, task: &Task) -> u64 {
    let inputs = task.dependencies.iter().chain(&task.captures).enumerate();
    let mut places = Places {
        scope: graph.scope(task),
        used_indices: &task.used_indices,
        by_key: inputs
            .map(|(position, input)| (&input.key, position))
            .collect(),
    };
    let mut body = body_of(task);
    body::walk(&mut body, &mut places);
    source::hash_body(&body.to_token_stream())
}

/// Puts the position of each input in its place.
struct Places<'a> {
    scope: Scope<'a>,
    used_indices: &'a [usize],
    by_key: HashMap<&'a Key, usize>,
}

impl Visitor for Places<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.scope.meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        self.scope.has_indices()
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let name = match self.scope.key(used)? {
            Key::Index(place) => {
                let position = self.used_indices.iter().position(|&used| used == place)?;
                format_ident!("ampeg_index{position}")
            }
            _ => format_ident!("ampeg_input{}", find(self.scope, used, &self.by_key)?),
        };
        Some(parse_quote!(#name))
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}
