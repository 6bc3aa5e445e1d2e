//! The static facts of a graph from generated code: statements, their uses, and the families that they declare.

use crate::base::failure::{Location, TaskError, TaskErrorKind};

mod text;

pub use text::FactsText;

/// One statement of a `graph!`, as written.
#[derive(Debug)]
pub struct Statement {
    /// The name before `=`. Inside groups, the path to it.
    pub name: &'static str,
    /// The text of the body.
    pub source: &'static str,
    /// The file of the statement.
    pub file: &'static str,
    /// The line, from one.
    pub line: u32,
    /// The column, from one.
    pub column: u32,
    /// The family whose members the statement declares.
    pub(crate) family: u32,
    /// The families that the body uses, and how, in the order of the inputs.
    pub(crate) inputs: &'static [Slot],
    /// The captures that the body uses, each once. They follow the slots in the inputs.
    pub(crate) captures: &'static [u32],
    /// The names of the indices, those of the groups first; empty for an index with one fixed value.
    pub(crate) indices: &'static [&'static str],
    /// The numbers of the indices that the body uses.
    pub(crate) used_indices: &'static [u8],
    /// A hash of the body, with dependencies, captures and indices replaced by their positions.
    pub(crate) shape: u64,
    /// Whether the result is an output of the graph.
    pub output: bool,
}

impl Statement {
    /// The location of the statement.
    pub(crate) fn location(&self) -> Location {
        Location {
            file: self.file.into(),
            line: self.line,
            column: self.column,
        }
    }

    /// The error of the statement's task if a consumer cannot decode the result.
    pub(crate) fn undeliverable(&self, reason: String) -> TaskError {
        let kind = TaskErrorKind::NotDeliverable { reason };
        // A worker does not know the indices of the member.
        let indices = if self.indices.is_empty() { "" } else { "[…]" };
        let name = format!("{}{indices}", self.name);
        TaskError::new(name, Some(self.location()), 1, kind)
    }
}

/// One use of a family in a body, under one name: a result, or lists of results.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The family.
    pub(crate) family: u32,
    /// The number of nested lists around a result: 0 for a single result.
    pub(crate) depth: u8,
    /// Whether the use is under a condition that is evaluated where the graph is declared.
    pub(crate) optional: bool,
    /// Whether the use is in a branch that is chosen while the body runs. Its result is always sent.
    pub(crate) branch: bool,
    /// Whether the body moves the results out, and so must own them.
    pub(crate) moved: bool,
    /// The use as written.
    pub(crate) path: &'static str,
    /// The numbers of the parts of the result that the body uses; empty if it uses the whole result.
    pub(crate) parts: &'static [u32],
}

/// A part of a result that some body uses.
#[derive(Debug)]
pub(crate) struct Part {
    /// The captures in the brackets of the part.
    pub(crate) captures: &'static [u32],
    /// The indices in the brackets, by their number in the statements that use the part.
    pub(crate) indices: &'static [u8],
}

/// All tasks that are declared under one path.
#[derive(Debug)]
pub(crate) struct Family {
    /// The path of the members' names.
    pub(crate) name: &'static str,
    /// A statement that declares members of the family.
    pub(crate) statement: u32,
    /// The number of indices after each segment of the path.
    pub(crate) segments: &'static [u8],
}

impl Family {
    /// The number of indices of a member.
    pub(crate) fn rank(&self) -> usize {
        self.segments.iter().map(|&n| usize::from(n)).sum()
    }

    /// The groups around the family, each with its path and its number of indices.
    pub(crate) fn groups(&'static self) -> impl Iterator<Item = (&'static str, usize)> {
        let ends = self.name.match_indices('.').map(|(end, _)| end);
        let mut rank = 0;
        ends.zip(self.segments).map(move |(end, &n_indices)| {
            rank += usize::from(n_indices);
            (&self.name[..end], rank)
        })
    }
}

/// The static facts of one `graph!`.
#[derive(Debug)]
pub struct Facts {
    /// The statements, in the order of the source.
    pub(crate) statements: &'static [Statement],
    /// The families that the statements declare.
    pub(crate) families: &'static [Family],
    /// The captured names, by number.
    pub(crate) captures: &'static [&'static str],
    /// The parts of results that bodies use.
    pub(crate) parts: &'static [Part],
}

/// The facts of one `graph!`, implemented by generated code.
pub trait Source {
    /// A hash of the text and location of the graph.
    const HASH: u64;

    /// The static facts.
    fn facts() -> &'static Facts;
}
