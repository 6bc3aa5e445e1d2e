//! Chains: a name and the fields and brackets that follow it, `shard[i].part[2..5]`.

use crate::syntax::name_of;
use syn::{Expr, Ident, Member};

/// A name, and what follows it directly.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) root: &'a Ident,
    pub(crate) segments: Vec<Segment<'a>>,
}

/// A link of a chain.
#[derive(Debug)]
pub(crate) enum Segment<'a> {
    /// `.b`
    Member(&'a Ident),
    /// `.0`
    Position(u32),
    /// `[i]`
    Bracket(&'a Expr),
}

impl<'a> Chain<'a> {
    /// The expression as a chain; `None` if it has another form.
    pub(crate) fn of(expression: &'a Expr) -> Option<Self> {
        match expression {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Some(Self {
                root: path.path.get_ident()?,
                segments: Vec::new(),
            }),
            Expr::Field(field) if field.attrs.is_empty() => {
                let chain = Self::of(&field.base)?;
                Some(chain.and(match &field.member {
                    Member::Named(name) => Segment::Member(name),
                    Member::Unnamed(index) => Segment::Position(index.index),
                }))
            }
            Expr::Index(index) if index.attrs.is_empty() => {
                Some(Self::of(&index.expr)?.and(Segment::Bracket(&index.index)))
            }
            _ => None,
        }
    }

    fn and(mut self, segment: Segment<'a>) -> Self {
        self.segments.push(segment);
        self
    }

    /// The expressions in its brackets.
    pub(super) fn brackets(&self) -> impl Iterator<Item = &'a Expr> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Bracket(index) => Some(*index),
            _ => None,
        })
    }

    /// The chain as a path of fields, `self.config.0`, without its brackets.
    pub(super) fn path(&self) -> String {
        let mut path = name_of(self.root);
        for segment in &self.segments {
            match segment {
                Segment::Member(name) => path.extend([".", &name_of(name)]),
                Segment::Position(index) => path.extend([".", &index.to_string()]),
                Segment::Bracket(_) => {}
            }
        }
        path
    }
}
