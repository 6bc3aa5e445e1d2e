//! Parts of results: the fields and brackets after a task, if their values are known where the graph stands.

use super::{Chain, Finding, Meaning, Misuse, Position, Purpose, Use, Walker};
use crate::syntax::name_of;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprField, ExprIndex, Member, Token, token};

/// A field or bracket that takes a part of a value. Two are equal if their texts are.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The text that distinguishes it: `.x`, `[2..5]`.
    pub(crate) text: String,
    form: Form,
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug, Clone)]
enum Form {
    Field(Token![.], Member),
    Bracket(token::Bracket, Box<Expr>),
}

impl Link {
    pub(crate) fn is_bracket(&self) -> bool {
        matches!(self.form, Form::Bracket(..))
    }

    /// The expression in the bracket, if it is one.
    pub(super) fn index_mut(&mut self) -> Option<&mut Expr> {
        match &mut self.form {
            Form::Field(..) => None,
            Form::Bracket(_, index) => Some(index),
        }
    }

    /// The place of the name, or of the bracket.
    pub(crate) fn span(&self) -> Span {
        match &self.form {
            Form::Field(_, member) => member.span(),
            Form::Bracket(bracket, _) => bracket.span.join(),
        }
    }

    /// The expression for this field or element of a value.
    pub(crate) fn of(self, value: Expr) -> Expr {
        let (attrs, value) = (Vec::new(), Box::new(value));
        match self.form {
            Form::Field(dot_token, member) => Expr::Field(ExprField {
                attrs,
                base: value,
                dot_token,
                member,
            }),
            Form::Bracket(bracket_token, index) => Expr::Index(ExprIndex {
                attrs,
                expr: value,
                bracket_token,
                index,
            }),
        }
    }
}

/// The expression for a value followed by fields and brackets.
pub(crate) fn part_of(value: Expr, links: impl IntoIterator<Item = Link>) -> Expr {
    links.into_iter().fold(value, |value, link| link.of(value))
}

/// Splits the last fields and brackets from a chain.
fn split(mut chain: Expr, n_links: usize) -> (Expr, Vec<Form>) {
    let mut forms = Vec::new();
    while forms.len() < n_links {
        chain = match chain {
            Expr::Field(field) => {
                forms.push(Form::Field(field.dot_token, field.member));
                *field.base
            }
            Expr::Index(index) => {
                forms.push(Form::Bracket(index.bracket_token, index.index));
                *index.expr
            }
            _ => break,
        };
    }
    forms.reverse();
    (chain, forms)
}

impl Walker<'_> {
    /// Replaces an expression that is a part of a result by a hole; false if it is no part.
    ///
    /// In a macro that cannot be analysed, only the parts of a list are parts.
    pub(super) fn part(&mut self, expression: &mut Expr, position: Position) -> bool {
        let Some((meaning, n_links)) = self.part_at(expression) else {
            return false;
        };
        let is_list = matches!(meaning, Meaning::Task { is_list: true, .. });
        if !is_list && position == Position::Unknown {
            return false;
        }
        let (task, forms) = split(expression.clone(), n_links);
        let links: Result<Vec<Link>, _> = forms.into_iter().map(|form| self.link(form)).collect();
        let finding = match links {
            Ok(mut part) => {
                part.iter_mut()
                    .filter_map(Link::index_mut)
                    .for_each(|index| self.value(index));
                let used = self.use_of(task, meaning, position);
                used.map(|used| Finding::Use(Use { part, ..used }))
            }
            Err(index) => is_list.then(|| Finding::Misuse(Misuse::Bracket { list: task, index })),
        };
        let is_part = finding.is_some();
        if let Some(finding) = finding {
            *expression = self.leave(finding);
        }
        is_part
    }

    /// The task that an expression is a part of, and the number of its last fields and brackets that take the part.
    fn part_at(&self, expression: &Expr) -> Option<(Meaning, usize)> {
        let chain = Chain::of(expression).filter(|_| self.purpose == Purpose::Holes)?;
        if chain.segments.is_empty() || self.locals.binds(chain.root) {
            return None;
        }
        let meaning = self.names.meaning(chain.root, &chain.segments);
        let Meaning::Task { length, .. } = meaning else {
            return None;
        };
        let n_links = chain.segments.len().checked_sub(length)?;
        (n_links > 0).then_some((meaning, n_links))
    }

    /// A field or bracket with the text that distinguishes it; fails with an index that is not known outside.
    fn link(&self, form: Form) -> Result<Link, Box<Expr>> {
        let text = match &form {
            Form::Field(_, Member::Named(name)) => format!(".{}", name_of(name)),
            Form::Field(_, Member::Unnamed(position)) => format!(".{}", position.index),
            Form::Bracket(_, index) => {
                let known = self.is_simple(index).then(|| self.outside(index));
                match known {
                    Some(Ok(known)) => format!("[{}]", known.identity()),
                    _ => return Err(index.clone()),
                }
            }
        };
        Ok(Link { text, form })
    }

    /// Whether an index may be evaluated any number of times on the worker that has the result: it consists of literals,
    /// constants, indices and captures, and of operators on these.
    fn is_simple(&self, index: &Expr) -> bool {
        let is_simple = |index: &Expr| self.is_simple(index);
        match index {
            Expr::Lit(_) => true,
            // In an `unsafe` block it may be a `static mut`.
            Expr::Path(path) => {
                let name = path.path.get_ident();
                self.unsafe_blocks == 0 || name.is_some_and(|name| self.meaning(name).is_some())
            }
            Expr::Field(field) => is_simple(&field.base),
            Expr::Paren(inner) => is_simple(&inner.expr),
            Expr::Group(inner) => is_simple(&inner.expr),
            Expr::Cast(cast) => is_simple(&cast.expr),
            Expr::Unary(unary) => is_simple(&unary.expr),
            Expr::Reference(reference) => {
                reference.mutability.is_none() && is_simple(&reference.expr)
            }
            Expr::Binary(binary) => {
                !super::walk::assigns(&binary.op)
                    && is_simple(&binary.left)
                    && is_simple(&binary.right)
            }
            Expr::Range(range) => {
                let mut ends = range.start.iter().chain(&range.end);
                ends.all(|end| is_simple(end))
            }
            Expr::Tuple(tuple) => tuple.elems.iter().all(is_simple),
            _ => false,
        }
    }
}
