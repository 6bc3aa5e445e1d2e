//! The walk over one body: it looks up each use, and leaves a hole in its place.

use super::input::{Captured, Dependencies, Input};
use super::scope::{Scope, Wrong};
use super::{Capture, clauses};
use crate::body::{
    self, Hole, Meaning, Origin, Position, Segment, Template, Unknown, Use, Visitor, Why,
};
use crate::diagnostics::Diagnostics;
use crate::source;
use crate::suggest;
use crate::syntax::name_of;
use proc_macro2::Span;
use quote::ToTokens;
use std::collections::HashMap;
use syn::{Expr, ExprReturn, Ident, parse_quote};

/// The captures of all bodies so far.
#[derive(Default)]
pub(super) struct Captures {
    pub(super) list: Vec<Capture>,
    /// By path, and by the macro that the name comes from.
    by_name: HashMap<(String, String), usize>,
}

/// A body with holes, and what fills them.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) template: Option<Template>,
    pub(super) dependencies: Vec<Input>,
    pub(super) captures: Vec<Input>,
    /// The positions of the indices that it uses.
    pub(super) indices: Vec<usize>,
}

/// Looks up what a body uses.
pub(super) fn resolve(
    mut body: Expr,
    scope: Scope<'_>,
    captures: &mut Captures,
    diagnostics: &mut Diagnostics,
) -> Resolved {
    let mut uses = Uses {
        scope,
        captures,
        diagnostics,
        holes: Vec::new(),
        dependencies: Dependencies::default(),
        captured: Captured::default(),
        indices: Vec::new(),
    };
    body::walk(&mut body, &mut uses);
    let (dependencies, position_of) = uses.dependencies.finish();
    for hole in &mut uses.holes {
        if let Origin::Dependency(position) = &mut hole.origin {
            *position = position_of[*position];
        }
    }
    Resolved {
        template: Some(Template {
            expression: body,
            holes: uses.holes,
        }),
        dependencies,
        captures: uses.captured.inputs,
        indices: uses.indices,
    }
}

struct Uses<'a> {
    scope: Scope<'a>,
    captures: &'a mut Captures,
    diagnostics: &'a mut Diagnostics,
    holes: Vec<Hole>,
    /// Until the end of the walk, the origin of a hole has the number of a candidate.
    dependencies: Dependencies,
    captured: Captured,
    indices: Vec<usize>,
}

impl Visitor for Uses<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.scope.meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        self.scope.has_indices()
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        let origin = match used.meaning {
            Meaning::Task(_) => self.task(used),
            Meaning::Index => self.index(used),
            Meaning::Outside => self.capture(used),
        };
        Some(self.leave_hole(origin, used, used.expression))
    }

    fn wants_part(&self, used: &Use<'_>) -> bool {
        match self.scope.access(used) {
            Some(Ok(access)) => access.is_list() || used.position != Position::Unknown,
            _ => false,
        }
    }

    fn on_part(&mut self, used: &Use<'_>, expression: &Expr) -> Option<Expr> {
        let origin = self.task(used);
        Some(self.leave_hole(origin, used, expression))
    }

    fn refuse_bracket(&mut self, used: &Use<'_>, index: &Expr) -> Option<Expr> {
        let is_list = matches!(self.scope.access(used), Some(Ok(access)) if access.is_list());
        if !is_list {
            return None;
        }
        let list = source::text(&used.expression.to_token_stream());
        let message = format!(
            "what follows a list is taken of each member, so it must be known where the graph stands: literals, \
             constants, indices and variables from around the graph; \
             here, write `{list}.iter().map(|member| …)`, or `({list})[…]` for a member of the list"
        );
        self.diagnostics.error(index, message);
        Some(self.leave_error(used.span()))
    }

    fn on_change(&mut self, name: &Ident) {
        let text = name_of(name);
        let what = match self.meaning(name, &[]) {
            Meaning::Task(_) => "the result of a task",
            Meaning::Index => "an index",
            Meaning::Outside => "a copy of what is around the graph",
        };
        let advice = match &*text {
            "self" => "change a copy, and give that as the result".to_owned(),
            _ => format!("begin the body with `let mut {text} = {text};`"),
        };
        let message = format!("`{text}` is {what}, which a body cannot change: {advice}");
        self.diagnostics.error_at(name.span(), message);
    }

    fn on_return(&mut self, expression: &mut ExprReturn) {
        let message = "a body ends with its last expression: `return` cannot leave it; \
                       use `?` to fail the task, or `if … { … } else { … }` for its value";
        self.diagnostics.error(expression.return_token, message);
        // An editor still learns the type of the value.
        let value = expression.expr.take();
        let error = self.leave_error(expression.return_token.span);
        expression.expr = Some(parse_quote!({ #value; #error }));
    }

    fn on_outside(&mut self, expression: &mut Expr) {
        let (span, message) = match expression {
            Expr::Break(leaves) => (
                leaves.break_token.span,
                "a body cannot `break` out of a loop around the graph: it runs in another process",
            ),
            Expr::Continue(leaves) => (
                leaves.continue_token.span,
                "a body cannot `continue` a loop around the graph: it runs in another process",
            ),
            Expr::Await(waits) => (
                waits.await_token.span,
                "a body is not async: wait for the future within it, with the `block_on` of your runtime",
            ),
            _ => return,
        };
        self.diagnostics.error_at(span, message);
        *expression = match expression {
            Expr::Await(waits) => {
                let error = self.leave_error(span);
                let future = &waits.base;
                parse_quote!({ #future; #error })
            }
            _ => parse_quote!(loop {}),
        };
    }
}

impl Uses<'_> {
    fn index(&mut self, used: &Use<'_>) -> Origin {
        let Some(position) = self.scope.index(used.ident) else {
            return Origin::Error;
        };
        if !self.indices.contains(&position) {
            self.indices.push(position);
        }
        Origin::Index(position)
    }

    fn capture(&mut self, used: &Use<'_>) -> Origin {
        let captures = &mut *self.captures;
        let next = captures.list.len();
        let name = (used.path.to_owned(), source::merge_context(used.span()));
        let index = *captures.by_name.entry(name).or_insert(next);
        if index == next {
            captures.list.push(Capture {
                path: used.path.to_owned(),
                expression: used.expression.clone(),
                span: used.span(),
            });
        }
        Origin::Capture(self.captured.add(index, used, self.holes.len()))
    }

    fn task(&mut self, used: &Use<'_>) -> Origin {
        self.report_unknown(used);
        match self.scope.access(used) {
            Some(Ok(access)) => {
                let conditions = self.scope.conditions(&access, used.conditions);
                let next = self.holes.len();
                Origin::Dependency(self.dependencies.add(access, conditions, used, next))
            }
            Some(Err(wrong)) => {
                self.report_wrong(used, &wrong);
                Origin::Error
            }
            None => Origin::Error,
        }
    }

    /// Adds a hole for a use, and returns the expression that takes the place of its chain.
    fn leave_hole(&mut self, origin: Origin, used: &Use<'_>, chain: &Expr) -> Expr {
        let (number, span) = (self.holes.len(), used.span());
        self.holes.push(Hole {
            origin,
            chain: chain.clone(),
            part: used.part.to_vec(),
            position: used.position,
            span,
        });
        body::hole(number, span)
    }

    /// Adds a hole for the value of something that is not allowed.
    fn leave_error(&mut self, span: Span) -> Expr {
        let number = self.holes.len();
        self.holes.push(Hole {
            origin: Origin::Error,
            chain: parse_quote!(()),
            part: Vec::new(),
            position: Position::Value,
            span,
        });
        body::hole(number, span)
    }

    /// Reports brackets whose values are not known where the graph stands.
    fn report_unknown(&mut self, used: &Use<'_>) {
        let path = used.path;
        let unknown = used
            .brackets
            .iter()
            .filter_map(|index| index.as_ref().err());
        for Unknown { name, span, why } in unknown.flatten() {
            let why = match why {
                Why::Task => "is the result of a task",
                Why::Variable => "is bound inside the body",
                Why::Item => "is declared inside the body",
                Why::Hidden => "may come from a glob import or a macro inside the body",
                Why::Exit => {
                    clauses::report_exit(*span, self.diagnostics);
                    continue;
                }
            };
            let message = format!(
                "which members of `{path}` are used must be known where the graph stands, but `{name}` {why}, which runs later; \
                 depend on all of `{path}` and take the member in the body: `let all = &{path};`"
            );
            self.diagnostics.error_at(*span, message);
        }
    }

    fn report_wrong(&mut self, used: &Use<'_>, wrong: &Wrong) {
        let names = self.scope.names;
        match wrong {
            Wrong::Group(group) => {
                let path = names.group_path(*group);
                let tasks: Vec<String> = names
                    .names_in(*group)
                    .iter()
                    .map(|name| format!("`{path}.{name}`"))
                    .collect();
                let end = match &*tasks {
                    [] => "it holds no task".to_owned(),
                    tasks => format!("name what is in it: {}", tasks.join(", ")),
                };
                self.diagnostics.error(
                    used.ident,
                    format!("`{path}` is a group of tasks, not a value; {end}"),
                );
            }
            Wrong::Unknown(group, ident) => {
                let (path, word) = (names.group_path(*group), name_of(ident));
                let known = names.names_in(*group);
                let end = suggest::nearest(&word, known.iter().map(String::as_str)).map_or_else(
                    || match &*known {
                        [] => "it is empty".to_owned(),
                        known => format!("it has `{}`", known.join("`, `")),
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                self.diagnostics.error(
                    ident,
                    format!("the group `{path}` has no task `{word}`; {end}"),
                );
            }
            Wrong::Bracket(group) => {
                let path = names.group_path(*group);
                let message = match names.groups[*group].indices.len() {
                    0 => format!("the group `{path}` has no index"),
                    1 => format!("the group `{path}` has only one index"),
                    n => format!("the group `{path}` has only {n} indices"),
                };
                self.diagnostics.error(used.expression, message);
            }
        }
    }
}
