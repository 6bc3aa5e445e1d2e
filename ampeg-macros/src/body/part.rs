//! Parts of results: the fields and brackets behind a task, as far as their values are known where the graph stands.

use super::{Chain, Finding, Meaning, Misuse, Position, Purpose, Segment, Use, Walker};
use crate::syntax::name_of;
use syn::Expr;

impl Walker<'_> {
    /// Leaves a hole in the place of an expression that is a part of a result; false if it is none.
    ///
    /// In a macro that cannot be analysed, only the parts of a list are parts.
    pub(super) fn part(&mut self, expression: &mut Expr, position: Position) -> bool {
        let Some((meaning, n_segments)) = self.part_of(expression) else {
            return false;
        };
        let is_list = matches!(meaning, Meaning::Task { is_list: true, .. });
        let finding = match self.known_segments(expression, n_segments) {
            Err(index) if is_list => Finding::Misuse(Misuse::Bracket {
                list: peel(expression, n_segments).clone(),
                index: *index,
            }),
            Ok(part) if is_list || position != Position::Unknown => {
                let mut chain = expression.clone();
                each_bracket(&mut chain, n_segments, &mut |index| self.value(index));
                let Some(task) = Chain::of(peel(expression, n_segments)) else {
                    return false;
                };
                let used = self.use_of(&task, meaning, position, chain);
                Finding::Use(Use { part, ..used })
            }
            _ => return false,
        };
        *expression = self.leave(finding);
        true
    }

    /// How many fields and brackets stand behind the task that a chain begins with, if there are any.
    fn part_of(&self, expression: &Expr) -> Option<(Meaning, usize)> {
        let chain = Chain::of(expression).filter(|_| self.purpose == Purpose::Holes)?;
        if chain.segments.is_empty() || self.locals.binds(chain.root) {
            return None;
        }
        let meaning = self.names.meaning(chain.root, &chain.segments);
        let Meaning::Task { length, .. } = meaning else {
            return None;
        };
        let n_segments = chain.segments.len().checked_sub(length)?;
        (n_segments > 0).then_some((meaning, n_segments))
    }

    /// What tells each of the last segments of a chain from others, or the first bracket that is not known outside.
    fn known_segments(
        &self,
        expression: &Expr,
        n_segments: usize,
    ) -> Result<Vec<String>, Box<Expr>> {
        let segments = Chain::of(expression).map_or_else(Vec::new, |chain| chain.segments);
        let first = segments.len().saturating_sub(n_segments);
        let known = |segment: &Segment<'_>| match (self.known_segment(segment), segment) {
            (Some(text), _) => Ok(text),
            (None, Segment::Bracket(index)) => Err(Box::new((*index).clone())),
            (None, _) => Err(Box::new(expression.clone())),
        };
        segments[first..].iter().map(known).collect()
    }

    /// What tells a segment from others, if what is in its bracket is known where the graph stands.
    fn known_segment(&self, segment: &Segment<'_>) -> Option<String> {
        Some(match segment {
            Segment::Member(name) => format!(".{}", name_of(name)),
            Segment::Position(position) => format!(".{position}"),
            Segment::Bracket(index) if self.is_simple(index) => {
                format!("[{}]", self.outside(index).ok()?.identity())
            }
            Segment::Bracket(_) => return None,
        })
    }

    /// Whether an index may be evaluated where the result is, once more or not at all: it consists of literals,
    /// constants, indices and captures, with operators at most.
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
pub(super) fn each_bracket(
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
