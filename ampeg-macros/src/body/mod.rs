//! The names in a body: those that it declares itself, and its uses of others.
//!
//! [`walk`] goes through a body once. It leaves a hole in the place of each use, and returns the uses as data;
//! `resolve` then looks up what fills the holes, and `expand` fills them ([`Template`]).

mod chain;
mod format;
mod locals;
mod macros;
mod outside;
mod part;
mod pattern_position;
mod template;
mod walk;

pub(crate) use chain::{Chain, Segment};
pub(crate) use locals::Locals;
pub(crate) use outside::{Condition, Outside, Unknown, Why, outside};
pub(crate) use part::{Link, part_of};
pub(crate) use template::{Hole, Origin, Template};

use crate::syntax::name_of;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, Ident};

/// A use or misuse in a body. It leaves a hole, which has the number of the finding.
#[derive(Debug)]
pub(crate) enum Finding {
    Use(Use),
    Misuse(Misuse),
}

/// A use of a name that the body does not declare: of a task, an index, or something around the graph.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) meaning: Meaning,
    /// The name, or the path of fields that begins with it, without brackets: `data`, `self.config.n`, `shard.b`.
    pub(crate) path: String,
    /// The name, with the fields and brackets that select a task or are captured.
    pub(crate) whole: Expr,
    /// The used part of a task's result; empty if the whole is used. The brackets of the part may have further holes.
    pub(crate) part: Vec<Link>,
    pub(crate) position: Position,
    /// The place of the name.
    pub(crate) span: Span,
    /// Whether the use may be evaluated more than once: in a loop or a closure.
    pub(crate) repeated: bool,
    /// Whether the use is in a branch that is chosen only where the body runs.
    pub(crate) in_branch: bool,
    /// The conditions of the branches around it that are known where the graph stands.
    pub(crate) conditions: Vec<Condition>,
    /// The index in each bracket that selects a task, if it is known where the graph stands.
    pub(crate) brackets: Vec<Result<Outside, Vec<Unknown>>>,
}

/// Something that a body cannot do.
#[derive(Debug)]
pub(crate) enum Misuse {
    /// It assigns to a task, an index or a variable around the graph, or borrows it to change it.
    Change(Ident, Meaning),
    /// `return` out of the body.
    Return(Span),
    /// `break` out of a loop around the graph.
    Break(Span),
    /// `continue` of a loop around the graph.
    Continue(Span),
    /// `.await` outside of an async block.
    Await(Span),
    /// A bracket after a list of members that is not known where the graph stands.
    Bracket { list: Expr, index: Box<Expr> },
}

/// The meaning of a name that the body does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An index of the statement, by its position.
    Index(usize),
    /// A task or group. The first `length` fields and brackets after the name select it.
    Task { length: usize, is_list: bool },
    /// Something from around the graph.
    Outside,
}

/// How an expression uses the value of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// It is moved or copied.
    Value,
    /// It is borrowed, or a part of it is used.
    Place,
    /// A method is called on it, or it is dereferenced or destructured: only its type decides whether it is moved.
    Receiver,
    /// It stands in a macro that cannot be analysed.
    Unknown,
}

/// The names around a body.
pub(crate) trait Names {
    /// The meaning of a name with these fields and brackets after it.
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning;

    /// Whether the graph has indices. Without them, no condition is known where the graph stands.
    fn has_indices(&self) -> bool;
}

/// Leaves a hole in the place of each use; visits names in the order in which rustc evaluates them.
pub(crate) fn walk(body: &mut Expr, names: &dyn Names) -> Vec<Finding> {
    walk_for(Purpose::Holes, body, names)
}

fn walk_for(purpose: Purpose, body: &mut Expr, names: &dyn Names) -> Vec<Finding> {
    let mut walker = Walker {
        purpose,
        names,
        findings: Vec::new(),
        locals: Locals::default(),
        repeated: 0,
        functions: 0,
        unsafe_blocks: 0,
        loops: Vec::new(),
        branches: 0,
        conditions: Vec::new(),
    };
    walker.value(body);
    walker.findings
}

/// The purpose of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To replace all uses by holes.
    Holes,
    /// To find the tasks that an expression names.
    ///
    /// Such a walk starts no further ones for brackets and conditions, or nested brackets would take exponential time.
    Tasks,
}

struct Walker<'v> {
    purpose: Purpose,
    names: &'v dyn Names,
    findings: Vec<Finding>,
    locals: Locals,
    /// The number of loops and closures around.
    repeated: usize,
    /// The number of closures and async blocks around, which `return` and `?` leave.
    functions: usize,
    /// The number of `unsafe` blocks around.
    unsafe_blocks: usize,
    /// The loops and blocks that `break` can leave: the label, if any, and whether it is a loop.
    loops: Vec<(Option<String>, bool)>,
    /// The number of branches around whose conditions are not known where the graph stands.
    branches: usize,
    /// The known conditions of the branches around.
    conditions: Vec<Condition>,
}

impl Walker<'_> {
    /// The meaning of a name that stands alone; `None` if the body declares it, or if it is no variable.
    fn meaning(&self, ident: &Ident) -> Option<Meaning> {
        if self.locals.binds(ident) {
            return None;
        }
        let meaning = self.names.meaning(ident, &[]);
        (meaning != Meaning::Outside || is_variable(ident)).then_some(meaning)
    }

    /// Replaces an expression that is a use by a hole; false if it is no use.
    fn name(&mut self, expression: &mut Expr, position: Position) -> bool {
        if self.part(expression, position) {
            return true;
        }
        let hole = self.used(expression, position);
        let is_used = hole.is_some();
        if let Some(hole) = hole {
            *expression = hole;
        }
        is_used
    }

    /// The hole for an expression that uses all of a task, an index or a variable; `None` if it is no such use.
    fn used(&mut self, expression: &Expr, position: Position) -> Option<Expr> {
        let chain = Chain::of(expression)?;
        if self.locals.binds(chain.root) {
            return None;
        }
        let meaning = self.names.meaning(chain.root, &chain.segments);
        let is_whole = match meaning {
            Meaning::Index(_) => chain.segments.is_empty(),
            Meaning::Task { length, .. } => length == chain.segments.len(),
            Meaning::Outside => is_variable(chain.root) && chain.brackets().next().is_none(),
        };
        if !is_whole {
            return None;
        }
        let used = self.use_of(expression.clone(), meaning, position)?;
        Some(self.leave(Finding::Use(used)))
    }

    /// The use of all of a task, an index or a variable.
    fn use_of(&self, whole: Expr, meaning: Meaning, position: Position) -> Option<Use> {
        let chain = Chain::of(&whole)?;
        Some(Use {
            meaning,
            path: chain.path(),
            part: Vec::new(),
            position,
            span: chain.root.span(),
            repeated: self.repeated > 0,
            in_branch: self.branches > 0,
            conditions: self.conditions.clone(),
            brackets: match self.purpose {
                Purpose::Holes => chain.brackets().map(|index| self.outside(index)).collect(),
                Purpose::Tasks => Vec::new(),
            },
            whole,
        })
    }

    /// Adds a finding; returns the hole that takes its place.
    fn leave(&mut self, finding: Finding) -> Expr {
        let hole = template::hole(self.findings.len(), finding.span());
        self.findings.push(finding);
        hole
    }
}

impl Finding {
    fn span(&self) -> Span {
        match self {
            Self::Use(used) => used.span,
            Self::Misuse(misuse) => misuse.span(),
        }
    }
}

impl Misuse {
    /// The place to report it.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Change(name, _) => name.span(),
            Self::Return(span) | Self::Break(span) | Self::Continue(span) | Self::Await(span) => {
                *span
            }
            Self::Bracket { index, .. } => index.span(),
        }
    }
}

/// True if a name is written like a variable: neither a constant nor a type.
fn is_variable(ident: &Ident) -> bool {
    let name = name_of(ident);
    let first = name.trim_start_matches('_').chars().next();
    first.is_some_and(|first| !first.is_uppercase()) && !matches!(&*name, "super" | "crate")
}
