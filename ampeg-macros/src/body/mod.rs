//! The names that a body uses: which it binds itself, and how it uses the others.
//!
//! `resolve` walks each body once, and leaves a hole in the place of each use ([`Template`]); `expand` fills the holes.

mod binding;
mod chain;
mod format;
mod locals;
mod macros;
mod outside;
mod part;
mod template;
mod walk;

pub(crate) use chain::{Chain, Segment};
pub(crate) use locals::Locals;
pub(crate) use outside::{Condition, Outside, Unknown, Why, outside};
pub(crate) use part::{each_bracket, peel};
pub(crate) use template::{Hole, Origin, Template, hole};

use crate::syntax::name_of;
use proc_macro2::Span;
use syn::{Expr, ExprReturn, Ident};

/// A use of a name that the body does not bind: a task's, or one from around the graph.
#[derive(Debug)]
pub(crate) struct Use<'a> {
    pub(crate) meaning: Meaning,
    /// The name, or the path of fields that begins with it, without brackets: `data`, `self.config.n`, `shard.b`.
    pub(crate) path: &'a str,
    /// The name itself, where it stands.
    pub(crate) ident: &'a Ident,
    /// The expression that is the path, with its brackets.
    pub(crate) expression: &'a Expr,
    pub(crate) position: Position,
    /// True if what stands there may run more than once: in a loop or a closure.
    pub(crate) repeated: bool,
    /// True if a branch chosen only where the body runs is around it.
    pub(crate) in_branch: bool,
    /// The conditions under which it is evaluated, as far as they are known where the graph stands.
    pub(crate) conditions: &'a [Condition],
    /// The text of the fields and brackets behind a task, if these are one thing to the visitor.
    pub(crate) part: &'a [String],
    /// What is in each of its brackets, if that is known there.
    pub(crate) brackets: &'a [Result<Outside, Vec<Unknown>>],
}

/// What a name that the body does not bind means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An index of the statement.
    Index,
    /// A task or group; so many of the fields and brackets behind it select what is meant.
    Task(usize),
    /// Something from around the graph.
    Outside,
}

/// What happens to the value of a name where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// It is moved or copied.
    Value,
    /// It is borrowed, or a part of it is used.
    Place,
    /// A method is called on it, or it is dereferenced or taken apart: it is borrowed or moved, which only types say.
    Receiver,
    /// It stands in a macro that cannot be analysed.
    Unknown,
}

/// Who walks a body, and what for.
pub(crate) trait Visitor {
    /// What a name means, with what follows it.
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning;

    /// Whether it matters under which conditions something is used; finding out takes a walk for each condition.
    fn is_thorough(&self) -> bool {
        true
    }

    /// Sees one use; what it returns takes the place of the expression.
    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr>;

    /// Whether the part of a task's result, by its fields and brackets, is one thing to the visitor.
    ///
    /// `used` is the task alone. If not, the task counts as used where it stands.
    fn wants_part(&self, _used: &Use<'_>) -> bool {
        false
    }

    /// Sees a part that it wants, after what is in its brackets; what it returns takes the place of the `expression`.
    fn on_part(&mut self, _used: &Use<'_>, _expression: &Expr) -> Option<Expr> {
        None
    }

    /// Sees a bracket behind a task that is not known where the graph stands; if the bracket cannot stand there, what it
    /// returns takes the place of the expression.
    fn refuse_bracket(&mut self, _used: &Use<'_>, _index: &Expr) -> Option<Expr> {
        None
    }

    /// Sees a task or a variable around the graph that is assigned to, or borrowed to be changed.
    fn on_change(&mut self, _name: &Ident) {}

    /// Sees a `return` that would leave the body.
    fn on_return(&mut self, expression: &mut ExprReturn);

    /// Sees a `break` or `continue` of a loop around the graph, or an `await`, for which nothing waits.
    fn on_outside(&mut self, _expression: &mut Expr) {}
}

/// Walks a body, innermost names first where rustc would evaluate them first.
pub(crate) fn walk(body: &mut Expr, visitor: &mut dyn Visitor) {
    let mut walker = Walker {
        visitor,
        locals: Locals::default(),
        repeated: 0,
        functions: 0,
        unsafe_blocks: 0,
        loops: Vec::new(),
        branches: 0,
        conditions: Vec::new(),
    };
    walker.value(body);
}

struct Walker<'v> {
    visitor: &'v mut dyn Visitor,
    locals: Locals,
    /// How many loops and closures are around.
    repeated: usize,
    /// How many closures and async blocks are around: what `return` and `?` leave.
    functions: usize,
    /// How many `unsafe` blocks are around.
    unsafe_blocks: usize,
    /// What `break` can leave: its label, if it has one, and whether it is a loop.
    loops: Vec<(Option<String>, bool)>,
    /// How many branches are around of which nothing is known where the graph stands.
    branches: usize,
    /// What is known to hold here.
    conditions: Vec<Condition>,
}

impl Walker<'_> {
    /// What a name means that stands alone; nothing if the body binds it, or it is no variable.
    fn meaning(&self, ident: &Ident) -> Option<Meaning> {
        if self.locals.binds(ident) {
            return None;
        }
        let meaning = self.visitor.meaning(ident, &[]);
        (meaning != Meaning::Outside || is_variable(ident)).then_some(meaning)
    }

    /// Reports the use that an expression is, if it is one, and replaces it; false if it is none.
    fn name(&mut self, expression: &mut Expr, position: Position) -> bool {
        if self.part(expression, position) {
            return true;
        }
        match self.used(expression, position) {
            Used::No { is_done } => is_done,
            Used::Yes(None) => true,
            Used::Yes(Some(replacement)) => {
                *expression = *replacement;
                true
            }
        }
    }

    /// Reports the use that an expression is, if it is one.
    fn used(&mut self, expression: &Expr, position: Position) -> Used {
        let Some(chain) = Chain::of(expression) else {
            return Used::No { is_done: false };
        };
        let is_bare = chain.segments.is_empty();
        if self.locals.binds(chain.root) {
            return Used::No { is_done: is_bare };
        }
        let meaning = self.visitor.meaning(chain.root, &chain.segments);
        if meaning == Meaning::Outside && !is_variable(chain.root) {
            return Used::No { is_done: is_bare };
        }
        let is_whole = match meaning {
            Meaning::Index => is_bare,
            Meaning::Task(length) => length == chain.segments.len(),
            Meaning::Outside => chain.brackets().next().is_none(),
        };
        if !is_whole {
            return Used::No { is_done: false };
        }
        let told = (meaning, position);
        let replacement = self.tell(expression, told, &[], |visitor, used| visitor.on_use(used));
        Used::Yes(replacement.flatten().map(Box::new))
    }

    /// Tells the visitor of a use: the chain that the expression is.
    fn tell<R>(
        &mut self,
        expression: &Expr,
        (meaning, position): (Meaning, Position),
        part: &[String],
        tell: impl FnOnce(&mut dyn Visitor, &Use<'_>) -> R,
    ) -> Option<R> {
        let chain = Chain::of(expression)?;
        let brackets = chain.brackets().map(|index| self.outside(index));
        let brackets: Vec<_> = brackets.collect();
        let used = Use {
            meaning,
            path: &chain.path(),
            ident: chain.root,
            expression,
            position,
            repeated: self.repeated > 0,
            in_branch: self.branches > 0,
            conditions: &self.conditions,
            part,
            brackets: &brackets,
        };
        Some(tell(self.visitor, &used))
    }
}

/// Whether an expression is a use of a name.
enum Used {
    /// It is, and this takes its place.
    Yes(Option<Box<Expr>>),
    /// It is not, and perhaps nothing in it either.
    No { is_done: bool },
}

/// True if a name is written like a variable: neither a constant nor a type.
fn is_variable(ident: &Ident) -> bool {
    let name = name_of(ident);
    let first = name.trim_start_matches('_').chars().next();
    first.is_some_and(|first| !first.is_uppercase()) && !matches!(&*name, "super" | "crate")
}

/// The place in the source of a use, for messages.
impl Use<'_> {
    pub(crate) fn span(&self) -> Span {
        self.ident.span()
    }
}
