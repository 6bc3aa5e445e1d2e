//! Errors of families, in the user's words.

use crate::base::failure::Location;
use ampeg_schedule::{Error, ErrorKind};
use std::fmt;

#[derive(Debug)]
pub(crate) enum FamilyErrorKind {
    /// An expression that is evaluated where the graph is declared panicked.
    Panicked {
        what: String,
        message: String,
        /// Whether the expression selects members. Then a condition may help.
        selects: bool,
    },
    /// An index does not fit in 64 bits.
    NoIndex {
        what: String,
        index: String,
    },
    /// The range of an index is too long or has no end.
    TooManyTasks,
    TooManyDependencies,
    /// A range in brackets ends before its start.
    Backwards {
        what: String,
        start: i64,
        end: i64,
    },
    /// A task uses a member that does not exist.
    Missing {
        user: String,
        /// The use as written.
        path: String,
        member: String,
        /// The members that exist: the first and last name of each run.
        present: Vec<(String, String)>,
        /// Whether the use is under a condition that is evaluated in the body.
        branch: bool,
    },
    /// Two tasks have the same name.
    Duplicate {
        member: String,
        locations: [Location; 2],
    },
    /// The range of a group is evaluated for each statement of the group, and the results differ.
    Unequal {
        group: String,
        families: [&'static str; 2],
    },
}

/// The largest number of tasks in a graph.
pub(crate) const MOST_TASKS: usize = 1 << 24;
/// The largest number of dependencies in a graph.
pub(crate) const MOST_DEPENDENCIES: usize = 1 << 26;

impl From<FamilyErrorKind> for Error {
    fn from(kind: FamilyErrorKind) -> Self {
        Self::of(ErrorKind::InvalidGraph, kind)
    }
}

impl fmt::Display for FamilyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked {
                what,
                message,
                selects,
            } => {
                write!(f, "{what} cannot be computed: {message}")?;
                if *selects {
                    f.write_str(
                        "; if only some tasks use it, write `if … { … } else { … }` around it",
                    )?;
                }
                Ok(())
            }
            Self::NoIndex { what, index } => {
                write!(
                    f,
                    "{what} is {index}, but an index must fit in 64 bits with a sign"
                )
            }
            Self::TooManyTasks => write!(f, "the graph has more than {MOST_TASKS} tasks"),
            Self::TooManyDependencies => {
                write!(
                    f,
                    "the graph has more than {MOST_DEPENDENCIES} dependencies"
                )
            }
            Self::Backwards { what, start, end } => {
                write!(f, "{what} starts at {start} but ends at {end}")
            }
            Self::Missing {
                user,
                path,
                member,
                present,
                branch,
            } => {
                write!(
                    f,
                    "`{user}` uses `{member}` (as `{path}`), which is not declared: "
                )?;
                present_members(f, present)?;
                if *branch {
                    f.write_str(
                        "; a use counts in every branch, unless it is under an `if` \
                         that indices and captured values decide",
                    )?;
                }
                Ok(())
            }
            Self::Duplicate {
                member,
                locations: [first, second],
            } => write!(
                f,
                "`{member}` is declared twice, at {first} and at {second}"
            ),
            Self::Unequal {
                group,
                families: [first, second],
            } => write!(
                f,
                "the indices of `{group}` differ between `{first}` and `{second}`: \
                 its range must have the same values each time it is evaluated"
            ),
        }
    }
}

fn present_members(f: &mut fmt::Formatter<'_>, present: &[(String, String)]) -> fmt::Result {
    f.write_str(if present.is_empty() {
        "there are none"
    } else {
        "there is "
    })?;
    for (index, (first, last)) in present.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}`{first}`")?;
        if first != last {
            write!(f, " to `{last}`")?;
        }
    }
    Ok(())
}
