//! Resolves each use in a body to an index, an input from tasks, or a captured name.

use super::input::{Captured, Dependencies, Input};
use super::scope::{BadPath, Scope};
use super::{Capture, clauses};
use crate::body::{self, Finding, Hole, Meaning, Misuse, Origin, Template, Unknown, Use, Why};
use crate::diagnostics::Diagnostics;
use crate::source;
use crate::suggest;
use crate::syntax::name_of;
use quote::ToTokens;
use std::collections::HashMap;
use syn::Expr;

/// The captures of the bodies that have been resolved.
#[derive(Default)]
pub(super) struct Captures {
    pub(super) list: Vec<Capture>,
    /// By path and hygiene context.
    by_name: HashMap<(String, String), usize>,
}

/// A body with holes, and its inputs.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) template: Option<Template>,
    pub(super) dependencies: Vec<Input>,
    pub(super) captures: Vec<Input>,
    /// The positions of the indices that it uses.
    pub(super) indices: Vec<usize>,
}

/// Resolves the uses in a body.
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
        dependencies: Dependencies::default(),
        captured: Captured::default(),
        indices: Vec::new(),
    };
    let findings = body::walk(&mut body, &scope);
    let holes = findings.into_iter().enumerate();
    let mut holes: Vec<Hole> = holes
        .map(|(hole, finding)| uses.hole(hole, finding))
        .collect();
    let (dependencies, position_of) = uses.dependencies.finish();
    for hole in &mut holes {
        if let Origin::Dependency(position) = &mut hole.origin {
            *position = position_of[*position];
        }
    }
    Resolved {
        template: Some(Template {
            expression: body,
            holes,
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
    dependencies: Dependencies,
    captured: Captured,
    indices: Vec<usize>,
}

impl Uses<'_> {
    /// Resolves a finding to the hole with this number. The origin of an input from tasks is the number of a candidate.
    fn hole(&mut self, number: usize, finding: Finding) -> Hole {
        let used = match finding {
            Finding::Use(used) => used,
            Finding::Misuse(misuse) => {
                self.report_misuse(&misuse);
                return Hole::error(misuse.span());
            }
        };
        let origin = match used.meaning {
            Meaning::Task { .. } => self.task(&used, number),
            Meaning::Index(position) => {
                if !self.indices.contains(&position) {
                    self.indices.push(position);
                }
                Origin::Index(position)
            }
            Meaning::Outside => self.capture(&used, number),
        };
        Hole {
            origin,
            whole: used.whole,
            part: used.part,
            position: used.position,
            span: used.span,
        }
    }

    fn capture(&mut self, used: &Use, hole: usize) -> Origin {
        let captures = &mut *self.captures;
        let next = captures.list.len();
        let name = (used.path.clone(), source::merge_context(used.span));
        let index = *captures.by_name.entry(name).or_insert(next);
        if index == next {
            captures.list.push(Capture {
                path: used.path.clone(),
                expression: used.whole.clone(),
                span: used.span,
            });
        }
        Origin::Capture(self.captured.add(index, used, hole))
    }

    fn task(&mut self, used: &Use, hole: usize) -> Origin {
        self.report_unknown(used);
        match self.scope.access(used) {
            Some(Ok(access)) => {
                let conditions = self.scope.conditions(&access, &used.conditions);
                Origin::Dependency(self.dependencies.add(access, conditions, used, hole))
            }
            Some(Err(wrong)) => {
                self.report_bad_path(used, &wrong);
                Origin::Error
            }
            None => Origin::Error,
        }
    }

    fn report_misuse(&mut self, misuse: &Misuse) {
        let message = match misuse {
            Misuse::Change(name, meaning) => {
                let text = name_of(name);
                let what = match meaning {
                    Meaning::Task { .. } => "the result of a task",
                    Meaning::Index(_) => "an index",
                    Meaning::Outside => "a copy of what is around the graph",
                };
                let advice = match &*text {
                    "self" => "change a copy, and give that as the result".to_owned(),
                    _ => format!("begin the body with `let mut {text} = {text};`"),
                };
                format!("`{text}` is {what}, which a body cannot change: {advice}")
            }
            Misuse::Return(_) => {
                "a body ends with its last expression: `return` cannot leave it; \
                 use `?` to fail the task, or `if … { … } else { … }` for its value"
                    .to_owned()
            }
            Misuse::Break(_) => {
                "a body cannot `break` out of a loop around the graph: it runs in another process".to_owned()
            }
            Misuse::Continue(_) => {
                "a body cannot `continue` a loop around the graph: it runs in another process".to_owned()
            }
            Misuse::Await(_) => {
                "a body is not async: wait for the future within it, with the `block_on` of your runtime".to_owned()
            }
            Misuse::Bracket { list, index } => {
                let list = source::text(&list.to_token_stream());
                let message = format!(
                    "what follows a list is taken of each member, so it must be known where the graph stands: \
                     literals, constants, indices and variables from around the graph; \
                     here, write `{list}.iter().map(|member| …)`, or `({list})[…]` for a member of the list"
                );
                self.diagnostics.error(index, message);
                return;
            }
        };
        self.diagnostics.error_at(misuse.span(), message);
    }

    /// Reports brackets with indices that are not known where the graph stands.
    fn report_unknown(&mut self, used: &Use) {
        let path = &used.path;
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

    fn report_bad_path(&mut self, used: &Use, wrong: &BadPath) {
        let names = self.scope.names;
        match wrong {
            BadPath::Group(group) => {
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
                self.diagnostics.error_at(
                    used.span,
                    format!("`{path}` is a group of tasks, not a value; {end}"),
                );
            }
            BadPath::Unknown(group, ident) => {
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
            BadPath::Bracket(group) => {
                let path = names.group_path(*group);
                let message = match names.groups[*group].indices.len() {
                    0 => format!("the group `{path}` has no index"),
                    1 => format!("the group `{path}` has only one index"),
                    n => format!("the group `{path}` has only {n} indices"),
                };
                self.diagnostics.error(&used.whole, message);
            }
        }
    }
}
