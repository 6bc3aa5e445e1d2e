//! The names that a body uses: which it binds itself, and how it uses the others.
//!
//! One walk over the expression serves two stages: `resolve` looks at each use, `expand` also replaces it.

mod format;
mod macros;
mod scope;
mod walk;

use crate::syntax::name_of;
use proc_macro2::Span;
use scope::Scope;
use syn::{Expr, ExprReturn, Ident, Member};

/// A use of a name that the body does not bind: a task's, or one from around the graph.
#[derive(Debug)]
pub(crate) struct Use<'a> {
    /// The name, or the path of fields that begins with it: `data`, `self.config.n`.
    pub(crate) path: &'a str,
    /// The name itself, where it stands.
    pub(crate) ident: &'a Ident,
    /// The expression that is the path.
    pub(crate) expression: &'a Expr,
    pub(crate) position: Position,
    /// True if what stands there may run more than once: in a loop or a closure.
    pub(crate) repeated: bool,
}

/// What happens to the value of a name where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// It is moved or copied.
    Value,
    /// It is borrowed, or a part of it is used.
    Place,
    /// It stands in a macro that cannot be analysed.
    Unknown,
}

/// Who walks a body, and what for.
pub(crate) trait Visitor {
    /// True if a task has this name.
    fn is_task(&self, name: &str) -> bool;

    /// Sees one use; what it returns takes the place of the expression.
    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr>;

    /// Sees a task or a variable around the graph that is assigned to, or borrowed to be changed.
    fn on_change(&mut self, _name: &Ident) {}

    /// Sees a `return` that would leave the body.
    fn on_return(&mut self, expression: &mut ExprReturn);
}

/// Walks a body, innermost names first where rustc would evaluate them first.
pub(crate) fn walk(body: &mut Expr, visitor: &mut dyn Visitor) {
    let mut walker = Walker {
        visitor,
        scope: Scope::default(),
        repeated: 0,
        functions: 0,
    };
    walker.value(body);
}

struct Walker<'v> {
    visitor: &'v mut dyn Visitor,
    scope: Scope,
    /// How many loops and closures are around.
    repeated: usize,
    /// How many closures and async blocks are around: what `return` and `?` leave.
    functions: usize,
}

impl Walker<'_> {
    /// True if a name means a task or a variable around the graph.
    fn is_outside(&self, ident: &Ident) -> bool {
        !self.scope.binds(&ident.to_string())
            && (self.visitor.is_task(&name_of(ident)) || is_variable(ident))
    }

    /// Reports the use that an expression is, if it is one, and replaces it; false if it is none.
    fn name(&mut self, expression: &mut Expr, position: Position) -> bool {
        let Some(path) = Path::of(expression) else {
            return false;
        };
        if !self.is_outside(&path.root) {
            return path.is_bare;
        }
        if self.visitor.is_task(&name_of(&path.root)) && !path.is_bare {
            return false;
        }
        let used = Use {
            path: &path.text,
            ident: &path.root,
            expression,
            position,
            repeated: self.repeated > 0,
        };
        if let Some(replacement) = self.visitor.on_use(&used) {
            *expression = replacement;
        }
        true
    }
}

/// A name, or a path of plain fields that begins with one.
struct Path {
    root: Ident,
    text: String,
    is_bare: bool,
}

impl Path {
    fn of(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => {
                let root = path.path.get_ident()?.clone();
                let text = name_of(&root);
                let is_bare = true;
                Some(Self {
                    root,
                    text,
                    is_bare,
                })
            }
            Expr::Field(field) if field.attrs.is_empty() => {
                let base = Self::of(&field.base)?;
                let member = match &field.member {
                    Member::Named(name) => name_of(name),
                    Member::Unnamed(index) => index.index.to_string(),
                };
                Some(Self {
                    root: base.root,
                    text: format!("{}.{member}", base.text),
                    is_bare: false,
                })
            }
            _ => None,
        }
    }
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
