//! The meaning of a name in one statement: names are looked up outward through groups, and brackets select members.

use super::names::{Declarations, Entry};
use crate::body::{self, Chain, Condition, Meaning, Outside, Segment, Use};
use crate::source;
use crate::syntax::name_of;
use syn::{Expr, Ident};

/// The names in scope of one statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) names: &'a Declarations,
    pub(crate) group: usize,
    /// The name of the statement.
    pub(crate) statement: &'a Ident,
    /// The indices of the statement.
    pub(crate) indices: &'a [usize],
}

/// The members of a family that a use selects.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) family: usize,
    /// A selector for each index of the family.
    pub(crate) selectors: Vec<Selector>,
}

/// The values of one index of a family that are used.
#[derive(Debug, Clone)]
pub(crate) enum Selector {
    /// The value of an index of the statement, by its position.
    Same(usize),
    /// One value.
    At(Outside),
    /// The values in a range.
    Span(Outside),
    All,
}

impl Selector {
    /// Whether it selects a list, not one value.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Span(_) | Self::All)
    }
}

/// A mistake in a path that begins with a group.
#[derive(Debug)]
pub(crate) enum BadPath {
    /// The group is used as a value.
    Group(usize),
    /// A group has no such name.
    Unknown(usize, Ident),
    /// A group has no index for a bracket.
    Bracket(usize),
}

/// The meaning of a path.
struct ResolvedPath<'a> {
    /// The number of fields and brackets that select the task; the others belong to its value.
    length: usize,
    target: Result<(usize, Vec<Place<'a>>), BadPath>,
}

/// The origin of a selector.
#[derive(Clone, Copy)]
enum Place<'a> {
    Implied(usize),
    Bracket(&'a Expr),
    Missing,
}

impl Place<'_> {
    /// Whether it selects several members.
    fn is_list(self) -> bool {
        match self {
            Self::Implied(_) => false,
            Self::Bracket(index) => matches!(without_parentheses(index), Expr::Range(_)),
            Self::Missing => true,
        }
    }
}

fn without_parentheses(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => without_parentheses(&inner.expr),
        Expr::Group(inner) => without_parentheses(&inner.expr),
        _ => expression,
    }
}

impl body::Names for Scope<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        if let Some(position) = self.index(root) {
            return Meaning::Index(position);
        }
        let Some(ResolvedPath { length, target }) = self.resolve_path(root, segments) else {
            return Meaning::Outside;
        };
        let is_list = target.is_ok_and(|(_, places)| places.into_iter().any(Place::is_list));
        Meaning::Task { length, is_list }
    }

    fn has_indices(&self) -> bool {
        !self.names.indices.is_empty()
    }
}

impl Scope<'_> {
    /// The index of the statement that a name means, by its position.
    fn index(&self, ident: &Ident) -> Option<usize> {
        let is_meant = |&index: &usize| {
            let other = self.names.indices[index].name.as_ref();
            other.is_some_and(|other| source::is_same_name(other, ident))
        };
        self.indices.iter().position(is_meant)
    }

    /// The task that a path without brackets names, as in `via`.
    pub(crate) fn family(&self, path: &[&Ident]) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let (_, mut entry) = self.names.find(self.group, &name_of(first))?;
        for ident in rest {
            let Entry::Group(group) = entry else {
                return None;
            };
            entry = self.names.entry(group, &name_of(ident))?;
        }
        match entry {
            Entry::Family(family) => Some(family),
            Entry::Group(_) => None,
        }
    }

    fn resolve_path<'e>(&self, root: &Ident, segments: &[Segment<'e>]) -> Option<ResolvedPath<'e>> {
        let (group, mut entry) = self.names.find_used(self.group, self.statement, root)?;
        let mut places: Vec<Place<'_>> = (0..self.names.group_rank(group))
            .map(Place::Implied)
            .collect();
        let mut next = 0;
        loop {
            let n_indices = match entry {
                Entry::Group(group) => self.names.groups[group].indices.len(),
                Entry::Family(family) => self.names.families[family].n_own,
            };
            for _ in 0..n_indices {
                if let Some(Segment::Bracket(index)) = segments.get(next) {
                    places.push(Place::Bracket(index));
                    next += 1;
                } else {
                    places.push(Place::Missing);
                }
            }
            let group = match entry {
                Entry::Family(family) => {
                    let target = Ok((family, places));
                    return Some(ResolvedPath {
                        length: next,
                        target,
                    });
                }
                Entry::Group(group) => group,
            };
            let wrong = match segments.get(next) {
                Some(Segment::Member(ident)) => match self.names.entry(group, &name_of(ident)) {
                    Some(found) => {
                        entry = found;
                        next += 1;
                        continue;
                    }
                    None => BadPath::Unknown(group, (*ident).clone()),
                },
                Some(Segment::Bracket(_)) => BadPath::Bracket(group),
                _ => {
                    return Some(ResolvedPath {
                        length: next,
                        target: Err(BadPath::Group(group)),
                    });
                }
            };
            return Some(ResolvedPath {
                length: next + 1,
                target: Err(wrong),
            });
        }
    }

    /// The members that a use of a task selects; `None` if they are not known where the graph stands.
    pub(crate) fn access(&self, used: &Use) -> Option<Result<Access, BadPath>> {
        let chain = Chain::of(&used.whole)?;
        let found = self.resolve_path(chain.root, &chain.segments)?;
        let (family, places) = match found.target {
            Ok(target) => target,
            Err(wrong) => return Some(Err(wrong)),
        };
        // `brackets` has the index of each bracket in `places`, in this order.
        let mut brackets = used.brackets.iter();
        let select = |place: Place<'_>| match place {
            Place::Implied(index) => Some(Selector::Same(index)),
            Place::Missing => Some(Selector::All),
            Place::Bracket(index) => {
                Some(self.selector(brackets.next()?.as_ref().ok()?, without_parentheses(index)))
            }
        };
        let selectors = places.into_iter().map(select).collect::<Option<_>>()?;
        Some(Ok(Access { family, selectors }))
    }

    /// The members that an expression in brackets selects; `index` is the expression with its parentheses.
    fn selector(&self, index: &Outside, expression: &Expr) -> Selector {
        match expression {
            Expr::Range(range) if range.start.is_none() && range.end.is_none() => Selector::All,
            Expr::Range(_) => Selector::Span(index.clone()),
            Expr::Path(path) => match path.path.get_ident().and_then(|ident| self.index(ident)) {
                Some(index) => Selector::Same(index),
                None => Selector::At(index.clone()),
            },
            _ => Selector::At(index.clone()),
        }
    }

    /// The conditions under which a use needs its input.
    ///
    /// A task without indices always needs the whole families that it uses, so a graph without families has the dependencies
    /// that its text shows.
    pub(crate) fn conditions<'c>(
        &self,
        access: &Access,
        conditions: &'c [Condition],
    ) -> &'c [Condition] {
        if self.indices.is_empty() && access.is_whole() {
            &[]
        } else {
            conditions
        }
    }
}

impl Access {
    /// Whether it selects several members.
    pub(crate) fn is_list(&self) -> bool {
        self.depth() > 0
    }

    /// The number of nested lists that it selects.
    pub(crate) fn depth(&self) -> usize {
        let lists = self.selectors.iter().filter(|selector| selector.is_list());
        lists.count()
    }

    /// Whether it selects all members.
    pub(crate) fn is_whole(&self) -> bool {
        self.selectors
            .iter()
            .all(|selector| matches!(selector, Selector::All))
    }

    /// The text that distinguishes the selectors from others of the same family.
    pub(super) fn identity(&self) -> String {
        let text = |selector: &Selector| match selector {
            Selector::Same(index) => format!("[={index}]"),
            Selector::At(index) | Selector::Span(index) => format!("[{}]", index.identity()),
            Selector::All => "[]".to_owned(),
        };
        self.selectors.iter().map(text).collect()
    }
}
