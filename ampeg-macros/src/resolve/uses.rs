//! What one body uses: its walk collects dependencies, captures and indices, each once.

use super::parts::Part;
use super::scope::{Access, Key, Scope, Wrong};
use super::{Capture, Input, Mode, clauses};
use crate::body::{Condition, Meaning, Position, Segment, Unknown, Use, Visitor, Why};
use crate::diagnostics::Diagnostics;
use crate::source;
use crate::suggest;
use crate::syntax::name_of;
use quote::ToTokens;
use std::collections::HashMap;
use syn::{Expr, ExprReturn, Ident};

/// The captures of all bodies so far.
#[derive(Default)]
pub(super) struct Captures {
    pub(super) list: Vec<Capture>,
    indices: HashMap<Key, usize>,
}

/// Collects what one body uses.
pub(super) struct Uses<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) captures: &'a mut Captures,
    pub(super) diagnostics: &'a mut Diagnostics,
    pub(super) dependencies: Vec<Input>,
    pub(super) used_captures: Vec<Input>,
    pub(super) used_indices: Vec<usize>,
}

impl Visitor for Uses<'_> {
    fn meaning(&self, root: &Ident, segments: &[Segment<'_>]) -> Meaning {
        self.scope.meaning(root, segments)
    }

    fn is_thorough(&self) -> bool {
        self.scope.has_indices()
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        match used.meaning {
            Meaning::Task(_) => self.on_task(used, None),
            Meaning::Index => {
                if let Some(Key::Index(index)) = self.scope.key(used)
                    && !self.used_indices.contains(&index)
                {
                    self.used_indices.push(index);
                }
            }
            Meaning::Outside => self.on_capture(used),
        }
        None
    }

    fn wants_part(&self, used: &Use<'_>) -> bool {
        match self.scope.access(used) {
            Some(Ok(access)) => access.is_list() || used.position != Position::Unknown,
            _ => false,
        }
    }

    fn on_part(&mut self, used: &Use<'_>, expression: &Expr) -> Option<Expr> {
        let part = Part {
            segments: used.part.to_vec(),
            expression: expression.clone(),
            position: used.position,
        };
        self.on_task(used, Some(part));
        None
    }

    fn refuses_bracket(&mut self, used: &Use<'_>, index: &Expr) -> bool {
        let is_list = matches!(self.scope.access(used), Some(Ok(access)) if access.is_list());
        if is_list {
            let list = source::text(&used.expression.to_token_stream());
            let message = format!(
                "what follows a list is taken of each member, so it must be known where the graph stands: literals, \
                 constants, indices and variables from around the graph; \
                 here, write `{list}.iter().map(|member| …)`, or `({list})[…]` for a member of the list"
            );
            self.diagnostics.error(index, message);
        }
        is_list
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
    }
}

impl Uses<'_> {
    fn on_capture(&mut self, used: &Use<'_>) {
        let captures = &mut *self.captures;
        let next = captures.list.len();
        let key = Key::of_capture(used);
        let index = *captures.indices.entry(key.clone()).or_insert(next);
        if index == next {
            captures.list.push(Capture {
                path: used.path.to_owned(),
                expression: used.expression.clone(),
                span: used.span(),
            });
        }
        note(&mut self.used_captures, Input::new(key, index, used));
    }

    fn on_task(&mut self, used: &Use<'_>, part: Option<Part>) {
        self.report_unknown(used);
        match self.scope.access(used) {
            Some(Ok(access)) => {
                let conditions = self.scope.conditions(&access, used.conditions).to_vec();
                if let Some(key) = self.scope.key(used) {
                    note(
                        &mut self.dependencies,
                        Input::of_task(key, access, conditions, used, part),
                    );
                }
            }
            Some(Err(wrong)) => self.report_wrong(used, &wrong),
            None => {}
        }
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

    /// Joins what is used under a condition with the same, if that is used without any too.
    pub(super) fn join(&mut self) {
        let always: Vec<Key> = self
            .dependencies
            .iter()
            .filter_map(|input| input.key.without_conditions())
            .collect();
        let is_joined = |input: &Input| {
            !input.conditions.is_empty()
                && input.key.always().is_some_and(|key| always.contains(&key))
        };
        let joined: Vec<Input> = {
            let (joined, kept) = std::mem::take(&mut self.dependencies)
                .into_iter()
                .partition(is_joined);
            self.dependencies = kept;
            joined
        };
        for input in joined {
            let always = input.key.always();
            let same = self
                .dependencies
                .iter_mut()
                .find(|other| Some(&other.key) == always.as_ref());
            if let Some(same) = same {
                same.uses += input.uses;
                same.only_shared |= input.only_shared;
                same.add_parts(input);
            }
        }
    }
}

/// Notes an input, or one more use of it.
fn note(inputs: &mut Vec<Input>, new: Input) {
    match inputs.iter_mut().find(|input| input.key == new.key) {
        Some(input) => {
            input.uses += 1;
            input.in_branch &= new.in_branch;
            input.add_parts(new);
        }
        None => inputs.push(new),
    }
}

impl Input {
    fn new(key: Key, index: usize, used: &Use<'_>) -> Self {
        Self {
            key,
            index,
            path: used.path.to_owned(),
            text: String::new(),
            selectors: Vec::new(),
            in_branch: used.in_branch,
            conditions: Vec::new(),
            span: used.span(),
            mode: Mode::Borrow,
            uses: 1,
            by_value: used.position == Position::Value,
            only_shared: used.repeated || used.position == Position::Unknown,
            used_parts: Some(Vec::new()),
            parts: Vec::new(),
        }
    }

    /// What a body uses of a task: this part of the result, or all of it.
    fn of_task(
        key: Key,
        access: Access,
        conditions: Vec<Condition>,
        used: &Use<'_>,
        part: Option<Part>,
    ) -> Self {
        Self {
            text: source::text(&used.expression.to_token_stream()),
            selectors: access.selectors,
            conditions,
            by_value: used.position == Position::Value && part.is_none(),
            used_parts: part.map(|part| vec![part]),
            ..Self::new(key, access.family, used)
        }
    }

    /// Notes what another use names; parts are used only as long as nothing uses the whole.
    fn add_parts(&mut self, other: Self) {
        match (&mut self.used_parts, other.used_parts) {
            (Some(parts), Some(others)) => parts.extend(others),
            (parts, _) => *parts = None,
        }
    }
}
