//! The static facts of a graph from generated code: statements, their uses, and the families that they declare.

use crate::base::failure::{Location, TaskError, TaskErrorKind};

mod text;

pub use text::FactsText;

/// One statement of a `graph!`, as written.
#[derive(Debug)]
pub struct Statement {
    /// The name before `=`; within groups, the path to it.
    pub name: &'static str,
    /// The text of the body.
    pub source: &'static str,
    /// The file of the statement.
    pub file: &'static str,
    /// Its line, from one.
    pub line: u32,
    /// Its column, from one.
    pub column: u32,
    /// The family whose members it declares.
    pub(crate) family: u32,
    /// What its body uses of which family, in the order of its inputs.
    pub(crate) inputs: &'static [Slot],
    /// The captures that it uses, each once; they follow the slots in its inputs.
    pub(crate) captures: &'static [u32],
    /// The names of its indices, those of its groups first; empty for an index that is fixed.
    pub(crate) indices: &'static [&'static str],
    /// The indices that its body uses, by number.
    pub(crate) used_indices: &'static [u8],
    /// A hash of the body, with dependencies, captures and indices replaced by their positions.
    pub(crate) shape: u64,
    /// Whether its result is an output of the graph.
    pub output: bool,
}

impl Statement {
    /// Where the statement is.
    pub(crate) fn location(&self) -> Location {
        Location {
            file: self.file.into(),
            line: self.line,
            column: self.column,
        }
    }

    /// The error of its task if the result cannot be decoded by those who need it.
    pub(crate) fn undeliverable(&self, reason: String) -> TaskError {
        let kind = TaskErrorKind::NotDeliverable { reason };
        // A worker does not know which member it is.
        let indices = if self.indices.is_empty() { "" } else { "[…]" };
        let name = format!("{}{indices}", self.name);
        TaskError::new(name, Some(self.location()), 1, kind)
    }
}

/// What a body uses of one family, under one name: a result, or lists of them.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Whose members.
    pub(crate) family: u32,
    /// How many lists are around a result: none for one result.
    pub(crate) depth: u8,
    /// Whether it is there only under a condition that is known where the graph stands.
    pub(crate) optional: bool,
    /// Whether it stands in a branch that is chosen only where the body runs, so that it is there in any case.
    pub(crate) branch: bool,
    /// Whether the body moves the results out, so that it must own them.
    pub(crate) moved: bool,
    /// The use as written.
    pub(crate) path: &'static str,
    /// The parts of the result that the body uses instead of the whole, by number; empty if it uses the whole.
    pub(crate) parts: &'static [u32],
}

/// A part of a result that some body uses instead of the whole.
#[derive(Debug)]
pub(crate) struct Part {
    /// The captures in its brackets.
    pub(crate) captures: &'static [u32],
    /// The indices in its brackets, by their number in the statements that use it.
    pub(crate) indices: &'static [u8],
}

/// All tasks that are declared under one path.
#[derive(Debug)]
pub(crate) struct Family {
    /// The path.
    pub(crate) name: &'static str,
    /// A statement that declares members of it.
    pub(crate) statement: u32,
    /// How many indices follow each segment of the path.
    pub(crate) segments: &'static [u8],
}

impl Family {
    /// How many indices a member has.
    pub(crate) fn rank(&self) -> usize {
        self.segments.iter().map(|&n| usize::from(n)).sum()
    }

    /// The groups that it is in, each by its path and by how many indices it has.
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
    /// The statements, in the order written.
    pub(crate) statements: &'static [Statement],
    /// What they declare.
    pub(crate) families: &'static [Family],
    /// The names captured, in the order of the captures.
    pub(crate) captures: &'static [&'static str],
    /// The parts of results that are used instead of the whole.
    pub(crate) parts: &'static [Part],
}

/// What one `graph!` says about itself; implemented by generated code.
pub trait Source {
    /// A hash of the text and location of the graph.
    const HASH: u64;

    /// The static facts.
    fn facts() -> &'static Facts;
}
