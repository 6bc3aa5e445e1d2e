//! A body with numbered holes: each use of a task, an index or a captured name is looked up once, and filled in later.

use super::Position;
use super::part::each_bracket;
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
    /// The name as written, with the fields and brackets that select a task, and those of the part.
    ///
    /// In the brackets of the part, there may be further holes.
    pub(crate) chain: Expr,
    /// The text of each field and bracket at the end of the chain that takes a part of a result.
    pub(crate) part: Vec<String>,
    pub(crate) position: Position,
    /// The place of the name.
    pub(crate) span: Span,
}

impl Hole {
    /// The hole for something that is not allowed.
    pub(crate) fn error(span: Span) -> Self {
        Self {
            origin: Origin::Error,
            chain: parse_quote!(()),
            part: Vec::new(),
            position: Position::Value,
            span,
        }
    }
}

/// Where the value of a hole comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What takes the place of a hole; the expression is its chain, with the holes in its brackets filled.
pub(crate) type Fill<'a> = dyn FnMut(&Hole, Expr) -> Expr + 'a;

impl Template {
    /// The body with its holes filled.
    pub(crate) fn fill(&self, fill: &mut Fill<'_>) -> Expr {
        let mut expression = self.expression.clone();
        let holes = &self.holes;
        Filler { holes, fill }.visit_expr_mut(&mut expression);
        expression
    }

    /// The chain of a hole, with the holes in its brackets filled.
    pub(crate) fn fill_chain(&self, hole: &Hole, fill: &mut Fill<'_>) -> Expr {
        let holes = &self.holes;
        Filler { holes, fill }.chain(hole)
    }

    /// The origins of the holes in the brackets of a hole, in the order written.
    pub(crate) fn origins_within(&self, hole: &Hole) -> Vec<Origin> {
        let mut within = Vec::new();
        self.fill_chain(hole, &mut |inner, chain| {
            within.push(inner.origin);
            chain
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
        let chain = self.chain(hole);
        Some((self.fill)(hole, chain))
    }

    fn chain(&mut self, hole: &Hole) -> Expr {
        let mut chain = hole.chain.clone();
        each_bracket(&mut chain, hole.part.len(), &mut |index| {
            self.visit_expr_mut(index);
        });
        chain
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
