//! Expressions that can be evaluated where the graph stands: indices, ranges, selectors, costs, and conditions on indices.

use super::{Finding, Locals, Meaning, Names, Purpose, Walker};
use crate::source;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

/// An expression that means the same where the graph stands as in the body.
///
/// It names no task and nothing that the body declares, and does not leave the body. Only [`outside`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct Outside(Expr);

impl Outside {
    /// The text that distinguishes it: its tokens with the hygiene contexts of their names.
    pub(crate) fn identity(&self) -> String {
        source::identity(&self.0.to_token_stream())
    }

    pub(crate) fn expression(&self) -> &Expr {
        &self.0
    }
}

impl ToTokens for Outside {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// A reason why an expression is not known where the graph stands: a name, or something that leaves the body.
#[derive(Debug, Clone)]
pub(crate) struct Unknown {
    /// The name as written; for a task, its path.
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) why: Why,
}

/// Why a name or expression is not known where the graph stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is the result of a task.
    Task,
    /// It is a variable of the body, or a parameter of a closure in it.
    Variable,
    /// It is an item that the body declares or imports by name.
    Item,
    /// A glob import or a macro in the body may declare it.
    Hidden,
    /// It is `?`, `return` or `.await`.
    Exit,
}

/// An expression that is known where the graph stands, or all reasons why it is not.
///
/// `locals` are the names that the body declares around the expression.
pub(crate) fn outside(
    expression: &Expr,
    locals: &Locals,
    names: &dyn Names,
) -> Result<Outside, Vec<Unknown>> {
    let findings = super::walk_for(Purpose::Tasks, &mut expression.clone(), names).into_iter();
    let tasks = findings.filter_map(|finding| match finding {
        Finding::Use(used) if matches!(used.meaning, Meaning::Task { .. }) => Some(Unknown {
            name: used.path,
            span: used.span,
            why: Why::Task,
        }),
        _ => None,
    });
    let mut unknown: Vec<Unknown> = tasks.collect();
    unknown.extend(locals.declared(&expression.to_token_stream()));
    unknown.extend(first_exit(expression).map(|span| Unknown {
        name: String::new(),
        span,
        why: Why::Exit,
    }));
    if unknown.is_empty() {
        Ok(Outside(expression.clone()))
    } else {
        Err(unknown)
    }
}

/// The condition of an `if` that is known where the graph stands.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) expression: Outside,
    /// Whether the branch runs if the expression is true, or if it is false.
    pub(crate) holds: bool,
}

impl Condition {
    pub(crate) fn text(&self) -> String {
        let text = self.expression.identity();
        format!("{}({text})", if self.holds { "" } else { "!" })
    }
}

/// The first `?`, `return`, `.await` or `yield` in an expression.
fn first_exit(expression: &Expr) -> Option<Span> {
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

/// Whether a condition can be evaluated a second time, where the graph stands: it contains no declaration, no
/// assignment, no macro, and no expression that leaves the body.
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
    /// The known conditions in the branch of an `if`, and those in its `else`.
    ///
    /// A condition is known if it consists of indices and variables from around the graph.
    /// For `known && unknown`, the known part counts in the branch, and nothing is known in the `else`.
    pub(super) fn known(&self, condition: &Expr) -> (Vec<Condition>, Vec<Condition>) {
        if self.purpose == Purpose::Tasks || !self.names.has_indices() {
            return (Vec::new(), Vec::new());
        }
        if is_pure(condition)
            && let Ok(expression) = self.outside(condition)
        {
            let known = |holds| Condition {
                expression: expression.clone(),
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

    /// As [`outside`], for an expression in the body.
    pub(super) fn outside(&self, expression: &Expr) -> Result<Outside, Vec<Unknown>> {
        outside(expression, &self.locals, self.names)
    }

    /// Walks a branch with these conditions; an empty list means that its condition is not known.
    pub(super) fn under(&mut self, conditions: Vec<Condition>, walk: impl FnOnce(&mut Self)) {
        let (around, is_unknown) = (self.conditions.len(), conditions.is_empty());
        self.conditions.extend(conditions);
        self.branches += usize::from(is_unknown);
        walk(self);
        self.branches -= usize::from(is_unknown);
        self.conditions.truncate(around);
    }
}
