//! A body with numbered holes: each use of a task, an index or a captured name is resolved once, and filled in later.

use super::{Link, Position};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprLit, Lit, LitInt, Macro, parse_quote, parse_quote_spanned};

/// A body in which a hole stands for each use.
#[derive(Debug)]
pub(crate) struct Template {
    /// With holes.
    pub(crate) expression: Expr,
    pub(crate) holes: Vec<Hole>,
}

/// A use of a name that the body does not bind.
#[derive(Debug)]
pub(crate) struct Hole {
    pub(crate) origin: Origin,
    /// The name as written, with the fields and brackets that select a task or are captured.
    pub(crate) whole: Expr,
    /// The used part of a task's result; empty if the whole is used. The brackets of the part may have further holes.
    pub(crate) part: Vec<Link>,
    pub(crate) position: Position,
    /// The place of the name.
    pub(crate) span: Span,
}

impl Hole {
    /// The hole for something that is not allowed.
    pub(crate) fn error(span: Span) -> Self {
        Self {
            origin: Origin::Error,
            whole: parse_quote!(()),
            part: Vec::new(),
            position: Position::Value,
            span,
        }
    }
}

/// Where the value of a hole comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// An index, by its position among those of the statement.
    Index(usize),
    /// An input from tasks, by its position among those of the statement.
    Dependency(usize),
    /// A captured name, by its position among those of the statement.
    Capture(usize),
    /// An error that has been reported.
    Error,
}

/// The suffix of the literals that stand for holes: `0ampeg_hole`, `1ampeg_hole`.
///
/// A literal is complete in every position of an expression, and no program that compiles has one with this suffix.
const SUFFIX: &str = "ampeg_hole";

/// The expression that stands for the hole with this number.
pub(super) fn hole(number: usize, span: Span) -> Expr {
    let literal = LitInt::new(&format!("{number}{SUFFIX}"), span);
    parse_quote_spanned!(span=> #literal)
}

/// The number of the hole that a literal stands for.
fn number(literal: &str) -> Option<usize> {
    literal.strip_suffix(SUFFIX)?.parse().ok()
}

/// Returns the replacement of a hole. The second argument is the part of the hole, with the holes in its brackets filled.
pub(crate) type Fill<'a> = dyn FnMut(&Hole, Vec<Link>) -> Expr + 'a;

impl Template {
    /// The body with its holes filled.
    pub(crate) fn fill(&self, fill: &mut Fill<'_>) -> Expr {
        let mut expression = self.expression.clone();
        let holes = &self.holes;
        Filler { holes, fill }.visit_expr_mut(&mut expression);
        expression
    }

    /// The part of a hole, with the holes in its brackets filled.
    pub(crate) fn fill_part(&self, hole: &Hole, fill: &mut Fill<'_>) -> Vec<Link> {
        let holes = &self.holes;
        Filler { holes, fill }.part(hole)
    }

    /// The origins of the holes in the brackets of a hole, in the order written.
    pub(crate) fn origins_within(&self, hole: &Hole) -> Vec<Origin> {
        let mut within = Vec::new();
        self.fill_part(hole, &mut |inner, _| {
            within.push(inner.origin);
            inner.whole.clone()
        });
        within
    }
}

struct Filler<'a, 'f> {
    holes: &'a [Hole],
    fill: &'a mut Fill<'f>,
}

impl Filler<'_, '_> {
    fn filled(&mut self, literal: &str) -> Option<Expr> {
        let hole = self.holes.get(number(literal)?)?;
        let part = self.part(hole);
        Some((self.fill)(hole, part))
    }

    fn part(&mut self, hole: &Hole) -> Vec<Link> {
        let mut part = hole.part.clone();
        part.iter_mut()
            .filter_map(Link::index_mut)
            .for_each(|index| self.visit_expr_mut(index));
        part
    }

    fn tokens(&mut self, tokens: TokenStream) -> TokenStream {
        let trees = tokens.into_iter().map(|tree| match &tree {
            TokenTree::Group(group) => {
                let mut filled = Group::new(group.delimiter(), self.tokens(group.stream()));
                filled.set_span(group.span());
                TokenTree::Group(filled).into()
            }
            TokenTree::Literal(literal) => {
                let filled = self.filled(&literal.to_string());
                filled.map_or_else(|| tree.into(), Expr::into_token_stream)
            }
            _ => TokenStream::from(tree),
        });
        trees.collect()
    }
}

impl VisitMut for Filler<'_, '_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Expr::Lit(ExprLit {
            lit: Lit::Int(literal),
            ..
        }) = expression
        {
            if let Some(filled) = self.filled(&literal.to_string()) {
                *expression = filled;
            }
            return;
        }
        visit_mut::visit_expr_mut(self, expression);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        mac.tokens = self.tokens(std::mem::take(&mut mac.tokens));
    }
}
