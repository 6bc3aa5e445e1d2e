//! Parts of results: the fields and brackets behind a task, as far as their values are known where the graph stands.

use super::{Chain, Meaning, Position, Segment, Walker};
use crate::source;
use crate::syntax::name_of;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Expr;

impl Walker<'_> {
    /// Reports the part of a result that an expression is, if it is one that the visitor wants, and replaces it.
    ///
    /// What is in the brackets of the part is walked first; the brackets that select the task are not.
    pub(super) fn part(&mut self, expression: &mut Expr, position: Position) -> bool {
        let Some((meaning, part)) = self.part_of(expression) else {
            return false;
        };
        if position == Position::Unknown {
            return false;
        }
        let task = peel(expression, part.len()).clone();
        let Some(chain) = Chain::of(&task) else {
            return false;
        };
        let told = (meaning, position);
        if !self.tell(&task, &chain, told, |visitor, used| {
            visitor.wants_part(used, &part)
        }) {
            return false;
        }
        each_bracket(expression, part.len(), &mut |index| self.value(index));
        let replacement = self.tell(&task, &chain, told, |visitor, used| {
            visitor.on_part(used, &part, expression)
        });
        if let Some(replacement) = replacement {
            *expression = replacement;
        }
        true
    }

    /// The text of each field and bracket behind the task that a chain begins with, if there are any.
    fn part_of(&self, expression: &Expr) -> Option<(Meaning, Vec<String>)> {
        let chain = Chain::of(expression)?;
        if chain.segments.is_empty() || self.scope.binds(&chain.root.to_string()) {
            return None;
        }
        let meaning = self.visitor.meaning(chain.root, &chain.segments);
        let Meaning::Task(length) = meaning else {
            return None;
        };
        let part = chain.segments.get(length..)?;
        let is_part = !part.is_empty() && part.iter().all(|segment| self.is_known_segment(segment));
        is_part.then(|| (meaning, part.iter().map(text).collect()))
    }

    fn is_known_segment(&self, segment: &Segment<'_>) -> bool {
        match segment {
            Segment::Bracket(index) => self.is_known_index(index),
            Segment::Member(_) | Segment::Position(_) => true,
        }
    }

    /// Whether an index is made of literals, constants, indices and captures, with operators at most.
    fn is_known_index(&self, index: &Expr) -> bool {
        let is_known = |index: &Expr| self.is_known_index(index);
        match index {
            Expr::Lit(_) => true,
            Expr::Path(path) => match path.path.get_ident().map(|name| self.meaning(name)) {
                Some(Some(meaning)) => !matches!(meaning, Meaning::Task(_)),
                _ => self.is_known_item(&path.to_token_stream()),
            },
            Expr::Field(field) => is_known(&field.base),
            Expr::Paren(inner) => is_known(&inner.expr),
            Expr::Group(inner) => is_known(&inner.expr),
            Expr::Cast(cast) => {
                let ty = cast.ty.to_token_stream();
                is_known(&cast.expr) && (is_number(&ty) || self.is_known_item(&ty))
            }
            Expr::Unary(unary) => is_known(&unary.expr),
            Expr::Reference(reference) => {
                reference.mutability.is_none() && is_known(&reference.expr)
            }
            Expr::Binary(binary) => {
                !super::walk::assigns(&binary.op)
                    && is_known(&binary.left)
                    && is_known(&binary.right)
            }
            Expr::Range(range) => {
                let mut ends = range.start.iter().chain(&range.end);
                ends.all(|end| is_known(end))
            }
            Expr::Tuple(tuple) => tuple.elems.iter().all(is_known),
            _ => false,
        }
    }

    /// Whether a path or a type means the same outside the body: no item of its own, and no `static mut`.
    fn is_known_item(&self, path: &TokenStream) -> bool {
        self.unsafe_blocks == 0 && !self.scope.may_hold(path)
    }
}

/// Whether a type is one of rustc's own numbers.
fn is_number(ty: &TokenStream) -> bool {
    super::macros::PRIMITIVES.contains(&&*ty.to_string())
}

/// A chain without its last segments.
pub(crate) fn peel(mut expression: &Expr, n_segments: usize) -> &Expr {
    for _ in 0..n_segments {
        expression = match expression {
            Expr::Field(field) => &field.base,
            Expr::Index(index) => &index.expr,
            _ => return expression,
        };
    }
    expression
}

/// Visits what is in the brackets of the last segments of a chain, in the order written.
pub(crate) fn each_bracket(
    expression: &mut Expr,
    n_segments: usize,
    visit: &mut dyn FnMut(&mut Expr),
) {
    let Some(n_before) = n_segments.checked_sub(1) else {
        return;
    };
    match expression {
        Expr::Field(field) => each_bracket(&mut field.base, n_before, visit),
        Expr::Index(index) => {
            each_bracket(&mut index.expr, n_before, visit);
            visit(&mut index.index);
        }
        _ => {}
    }
}

/// What tells one segment from others: its text, and the macros that the names in it come from.
fn text(segment: &Segment<'_>) -> String {
    match segment {
        Segment::Member(name) => format!(".{}", name_of(name)),
        Segment::Position(position) => format!(".{position}"),
        Segment::Bracket(index) => {
            let tokens = index.to_token_stream();
            format!("[{}]{}", source::text(&tokens), contexts(tokens))
        }
    }
}

fn contexts(tokens: TokenStream) -> String {
    let context = |token| match token {
        TokenTree::Ident(name) => source::context(name.span()),
        TokenTree::Group(group) => contexts(group.stream()),
        _ => String::new(),
    };
    tokens.into_iter().map(context).collect()
}
