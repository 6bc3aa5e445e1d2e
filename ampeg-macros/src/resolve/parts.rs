//! The inputs of which a body needs only parts: `a.x` and `a.rows[2..5]`, but not `a`.
//!
//! The worker that has the result takes the part out, so the rest is not sent.

use super::{Input, Mode, Task};
use crate::body::{Hole, Link, Origin, Position, Template};

/// A part that a body uses in place of the whole.
#[derive(Debug)]
pub(crate) struct PartOf {
    pub(crate) links: Vec<Link>,
    /// The index of its projection.
    pub(crate) projection: usize,
}

/// A function that takes a part out of a result.
#[derive(Debug)]
pub(crate) struct Projection {
    /// The statement whose body uses it first.
    pub(crate) task: usize,
    /// The hole of this use.
    hole: usize,
    /// The family whose members have results with this part.
    pub(crate) family: usize,
    /// The captures in its brackets, by their position among those of the statement.
    pub(crate) captures: Vec<usize>,
    /// The positions of the indices in its brackets.
    pub(crate) indices: Vec<usize>,
    links: Vec<Link>,
}

/// Chooses which inputs are parts; returns the projections of all parts, each once.
pub(super) fn choose(tasks: &mut [Task]) -> Vec<Projection> {
    let mut projections = Vec::new();
    for (index, task) in tasks.iter_mut().enumerate() {
        let Some(template) = &task.body else { continue };
        for input in &mut task.dependencies {
            let parts = parts_of(input, template);
            let projections = parts.into_iter().map(|number| PartOf {
                links: template.holes[number].part.clone(),
                projection: intern(
                    &mut projections,
                    Projection::of(index, template, number, input),
                ),
            });
            input.parts = projections.collect();
        }
    }
    projections
}

/// Returns the holes of the parts that suffice for an input, or no hole if the input needs the whole. Sets the mode.
fn parts_of(input: &mut Input, template: &Template) -> Vec<usize> {
    let hole = |&number: &usize| &template.holes[number];
    let has_bracket = |hole: &Hole| hole.part.iter().any(Link::is_bracket);
    let mut holes = input.holes.iter().map(hole);
    if holes.clone().any(|hole| hole.part.is_empty()) {
        return Vec::new();
    }
    let is_list = input.depth() > 0;
    if !is_list && input.mode == Mode::Take && !holes.clone().any(has_bracket) {
        // The body owns the result, and may move a field out of it. It cannot move a field out of a part, which is
        // borrowed, so then the whole result is sent.
        match holes.next().map(|hole| hole.position) {
            Some(Position::Value) if input.conditions.is_empty() => {}
            Some(Position::Receiver) => return Vec::new(),
            _ => input.mode = Mode::Borrow,
        }
    } else {
        input.mode = Mode::Borrow;
    }
    let mut parts: Vec<usize> = Vec::new();
    for &new in &input.holes {
        // Parts of each member of a list are separate inputs. For one result, `a.x` contains `a.x.y`.
        let covers = |outer: usize, inner: usize| {
            let (outer, inner) = (&template.holes[outer].part, &template.holes[inner].part);
            if is_list {
                outer == inner
            } else {
                inner.starts_with(outer)
            }
        };
        if !parts.iter().any(|&part| covers(part, new)) {
            parts.retain(|&part| !covers(new, part));
            parts.push(new);
        }
    }
    parts
}

impl Projection {
    fn of(task: usize, template: &Template, number: usize, input: &Input) -> Self {
        let hole = &template.holes[number];
        let (mut captures, mut indices) = (Vec::new(), Vec::new());
        for origin in template.origins_within(hole) {
            let (list, position) = match origin {
                Origin::Capture(position) => (&mut captures, position),
                Origin::Index(position) => (&mut indices, position),
                Origin::Dependency(_) | Origin::Error => continue,
            };
            if !list.contains(&position) {
                list.push(position);
            }
        }
        Self {
            task,
            hole: number,
            family: input.index,
            captures,
            indices,
            links: hole.part.clone(),
        }
    }

    /// The hole of its first use, in the body of its statement.
    pub(crate) fn hole<'a>(&self, template: &'a Template) -> &'a Hole {
        &template.holes[self.hole]
    }

    /// Whether it is the same part.
    ///
    /// Captures have the same value in all statements. Indices do not, so parts with indices are equal only within one
    /// statement.
    fn is_same(&self, other: &Self) -> bool {
        self.family == other.family
            && self.links == other.links
            && (self.task == other.task || (self.indices.is_empty() && other.indices.is_empty()))
    }
}

/// The index of a projection; equal projections have one index.
fn intern(projections: &mut Vec<Projection>, new: Projection) -> usize {
    let same = projections.iter().position(|other| other.is_same(&new));
    same.unwrap_or_else(|| {
        projections.push(new);
        projections.len() - 1
    })
}
