//! Which results a body needs only parts of, and what these are: `a.x` and `a.rows[2..5]`, but not `a`.
//!
//! Such a part can be taken out where the result is, so that nothing else travels.

use super::names::Names;
use super::scope::{Key, Scope};
use super::{Input, Mode, Task};
use crate::body::{self, Meaning, Position, Segment, Use, Visitor, each_bracket};
use syn::{Expr, ExprReturn, Ident};

/// One use of a part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The text of each field and bracket behind the task.
    pub(super) segments: Vec<String>,
    /// The whole chain as written.
    pub(super) expression: Expr,
    pub(super) position: Position,
}

impl Part {
    fn has_bracket(&self) -> bool {
        self.segments.iter().any(|segment| segment.starts_with('['))
    }
}

/// A part that a body uses in place of the whole.
#[derive(Debug)]
pub(crate) struct PartOf {
    /// The text of its fields and brackets.
    pub(crate) segments: Vec<String>,
    /// The index of its projection.
    pub(crate) projection: usize,
}

/// How a part is taken out of a result.
#[derive(Debug)]
pub(crate) struct Projection {
    /// The statement whose body uses it first.
    pub(crate) task: usize,
    /// Of whose members' results it is a part.
    pub(crate) family: usize,
    /// The chain as written, and how many segments stand behind the task.
    pub(crate) expression: Expr,
    pub(crate) n_segments: usize,
    /// The captures in its brackets, by their position among those of the statement.
    pub(crate) captures: Vec<usize>,
    /// The places of the indices in its brackets.
    pub(crate) indices: Vec<usize>,
    segments: Vec<String>,
}

/// Decides which inputs are parts; gives the parts of all, each once.
///
/// A part that a body may move out of a result that is its own stays where it is: it must be a place.
pub(super) fn settle(names: &Names, tasks: &mut [Task]) -> Vec<Projection> {
    let mut projections = Vec::new();
    for index in 0..tasks.len() {
        let mut dependencies = std::mem::take(&mut tasks[index].dependencies);
        for input in &mut dependencies {
            let mut parts = input.used_parts.take().unwrap_or_default();
            let is_list = input.depth() > 0;
            if is_list && !parts.is_empty() {
                input.mode = Mode::Borrow;
            } else if input.mode == Mode::Take && !parts.iter().any(Part::has_bracket) {
                match parts.iter().map(|part| part.position).next() {
                    Some(Position::Value) if input.conditions.is_empty() => {}
                    Some(Position::Receiver) => parts.clear(),
                    Some(_) => input.mode = Mode::Borrow,
                    None => {}
                }
            } else if !parts.is_empty() {
                input.mode = Mode::Borrow;
            }
            let parts = if is_list {
                distinct(parts)
            } else {
                shortest(parts)
            };
            input.parts = parts
                .into_iter()
                .map(|part| PartOf {
                    projection: number(
                        &mut projections,
                        Projection::of(names, tasks, index, input, &part),
                    ),
                    segments: part.segments,
                })
                .collect();
        }
        tasks[index].dependencies = dependencies;
    }
    projections
}

/// The parts, each once.
fn distinct(parts: Vec<Part>) -> Vec<Part> {
    let mut distinct: Vec<Part> = Vec::new();
    for part in parts {
        if distinct.iter().all(|other| other.segments != part.segments) {
            distinct.push(part);
        }
    }
    distinct
}

/// The parts without those that lie within others, each once.
fn shortest(parts: Vec<Part>) -> Vec<Part> {
    let mut shortest: Vec<Part> = Vec::new();
    for part in parts {
        let holds = |outer: &Part, inner: &Part| inner.segments.starts_with(&outer.segments);
        if shortest.iter().any(|other| holds(other, &part)) {
            continue;
        }
        shortest.retain(|other| !holds(&part, other));
        shortest.push(part);
    }
    shortest
}

impl Projection {
    fn of(names: &Names, tasks: &[Task], task: usize, input: &Input, part: &Part) -> Self {
        let statement = &tasks[task];
        let mut brackets = Brackets {
            scope: Scope {
                names,
                group: names.families[statement.family].group,
                statement: &statement.statement.name,
                indices: &statement.indices,
            },
            keys: Vec::new(),
        };
        let mut expression = part.expression.clone();
        each_bracket(&mut expression, part.segments.len(), &mut |index| {
            body::walk(index, &mut brackets);
        });
        let (mut captures, mut indices) = (Vec::new(), Vec::new());
        for key in brackets.keys {
            if let Key::Index(place) = key {
                indices.push(place);
            } else {
                captures.extend(statement.captures.iter().position(|input| input.key == key));
            }
        }
        Self {
            task,
            family: input.index,
            expression,
            n_segments: part.segments.len(),
            captures,
            indices,
            segments: part.segments.clone(),
        }
    }

    /// Whether it is the same part: what is in brackets means the same in every statement, but for indices.
    fn is_same(&self, other: &Self) -> bool {
        self.family == other.family
            && self.segments == other.segments
            && (self.task == other.task || (self.indices.is_empty() && other.indices.is_empty()))
    }
}

/// The number of a projection, which is that of an equal one if there is one.
fn number(projections: &mut Vec<Projection>, new: Projection) -> usize {
    let same = projections.iter().position(|other| other.is_same(&new));
    same.unwrap_or_else(|| {
        projections.push(new);
        projections.len() - 1
    })
}

/// Collects what is used in brackets, each once.
struct Brackets<'a> {
    scope: Scope<'a>,
    keys: Vec<Key>,
}

impl Visitor for Brackets<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.scope.meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        false
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let key = self.scope.key(used)?;
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        None
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}
