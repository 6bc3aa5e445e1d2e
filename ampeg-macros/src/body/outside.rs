//! Expressions that are evaluated where the graph stands: indices, ranges, costs, and conditions on indices.

use super::{Meaning, Segment, Use, Visitor, Walker};
use crate::source;
use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprReturn, Ident};

/// The condition of an `if` that is known where the graph stands.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) expression: Expr,
    /// Whether what it is about runs if it holds, or if it does not.
    pub(crate) holds: bool,
}

impl Condition {
    pub(crate) fn text(&self) -> String {
        let text = source::text(&self.expression.to_token_stream());
        format!("{}({text})", if self.holds { "" } else { "!" })
    }
}

/// The names in an expression that it does not bind itself, and what each means.
pub(super) fn names(expression: &Expr, visitor: &dyn Visitor) -> Vec<(Ident, bool)> {
    let mut collector = Collector {
        visitor,
        names: Vec::new(),
    };
    super::walk(&mut expression.clone(), &mut collector);
    collector.names
}

/// Collects names, and for each whether it is that of a task.
struct Collector<'a> {
    visitor: &'a dyn Visitor,
    names: Vec<(Ident, bool)>,
}

impl Visitor for Collector<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.visitor.meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        false
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let is_task = matches!(used.meaning, Meaning::Task(_));
        self.names.push((used.ident.clone(), is_task));
        None
    }

    fn on_return(&mut self, _: &mut ExprReturn) {}
}

/// The first thing that leaves an expression before its end, or waits: `?`, `return`, `.await`.
pub(crate) fn first_exit(expression: &Expr) -> Option<Span> {
    struct Exits(Option<Span>);
    impl<'ast> Visit<'ast> for Exits {
        fn visit_expr(&mut self, expression: &'ast Expr) {
            match expression {
                Expr::Try(_) | Expr::Return(_) | Expr::Await(_) | Expr::Yield(_) => {
                    self.0.get_or_insert(expression.span());
                }
                _ => visit::visit_expr(self, expression),
            }
        }
    }
    let mut exits = Exits(None);
    exits.visit_expr(expression);
    exits.0
}

/// Whether a condition may be evaluated twice, here and there: it binds, changes and leaves nothing.
fn is_pure(condition: &Expr) -> bool {
    struct Pure(bool);
    impl<'ast> Visit<'ast> for Pure {
        fn visit_expr(&mut self, expression: &'ast Expr) {
            let assigns = |op: &BinOp| super::walk::assigns(op);
            match expression {
                Expr::Let(_)
                | Expr::Try(_)
                | Expr::Return(_)
                | Expr::Break(_)
                | Expr::Continue(_)
                | Expr::Await(_)
                | Expr::Yield(_)
                | Expr::Macro(_)
                | Expr::Assign(_) => self.0 = false,
                Expr::Binary(binary) if assigns(&binary.op) => self.0 = false,
                _ => visit::visit_expr(self, expression),
            }
        }
    }
    let mut pure = Pure(true);
    pure.visit_expr(condition);
    pure.0
}

impl Walker<'_> {
    /// The conditions that hold in the branch of an `if`, and those that hold where it is not taken.
    ///
    /// A condition counts if it is made of indices and variables from around the graph.
    /// Of `known && unknown` the known part holds in the branch; nothing is known outside of it.
    pub(super) fn known(&self, condition: &Expr) -> (Vec<Condition>, Vec<Condition>) {
        if !self.visitor.is_thorough() {
            return (Vec::new(), Vec::new());
        }
        if self.is_known(condition) {
            let known = |holds| Condition {
                expression: condition.clone(),
                holds,
            };
            return (vec![known(true)], vec![known(false)]);
        }
        match condition {
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                let (mut left, _) = self.known(&binary.left);
                left.extend(self.known(&binary.right).0);
                (left, Vec::new())
            }
            Expr::Paren(inner) => (self.known(&inner.expr).0, Vec::new()),
            _ => (Vec::new(), Vec::new()),
        }
    }

    fn is_known(&self, condition: &Expr) -> bool {
        let names = || names(condition, &*self.visitor);
        is_pure(condition)
            && names()
                .iter()
                .all(|(name, is_task)| !is_task && !self.scope.binds(&name.to_string()))
    }

    /// Walks what runs only under conditions; if there are none, they are not known.
    pub(super) fn under(&mut self, conditions: Vec<Condition>, walk: impl FnOnce(&mut Self)) {
        let (around, is_unknown) = (self.conditions.len(), conditions.is_empty());
        self.conditions.extend(conditions);
        self.branches += usize::from(is_unknown);
        walk(self);
        self.branches -= usize::from(is_unknown);
        self.conditions.truncate(around);
    }

    /// The names in brackets that cannot be known where the graph stands, and whether each is bound in the body.
    pub(super) fn unknown<'e>(
        &self,
        brackets: impl Iterator<Item = &'e Expr>,
    ) -> Vec<(Ident, bool)> {
        let brackets = brackets.filter(|_| self.visitor.is_thorough());
        let names = brackets.flat_map(|index| names(index, &*self.visitor));
        let unknown = names.filter_map(|(name, is_task)| {
            let is_local = self.scope.binds(&name.to_string());
            (is_local || is_task).then_some((name, is_local))
        });
        unknown.collect()
    }
}
