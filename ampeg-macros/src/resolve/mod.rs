//! Resolves names: the inputs of each task, the captured names, and how each body takes its inputs.
//!
//! A name in lower case that is neither a task nor an index is captured. rustc reports the name if it does not exist.

mod clauses;
mod input;
mod modes;
mod names;
mod parts;
mod scope;
mod uses;

pub(crate) use input::{Input, Mode};
pub(crate) use names::{Declarations, Entry};
pub(crate) use parts::Projection;
pub(crate) use scope::{Scope, Selector};

use crate::body::Template;
use crate::diagnostics::Diagnostics;
use crate::origin;
use crate::syntax::{Item, Statement};
use names::Declared;
use proc_macro2::Span;
use syn::{Expr, Ident, Type};
use uses::{Captures, Resolved};

/// All statements of a graph, in the order written, with their dependencies by index.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) names: Declarations,
    pub(crate) tasks: Vec<Task>,
    pub(crate) captures: Vec<Capture>,
    /// The parts that bodies use instead of whole results, each once.
    pub(crate) projections: Vec<Projection>,
}

impl Graph {
    /// The names in scope of a statement.
    pub(crate) fn scope<'a>(&'a self, task: &'a Task) -> Scope<'a> {
        Scope {
            names: &self.names,
            group: self.names.families[task.family].group,
            statement: &task.statement.name,
            indices: &task.indices,
        }
    }

    /// The type of a family's members, if one of its statements is annotated.
    pub(crate) fn annotation(&self, family: usize) -> Option<&Type> {
        let mut statements = self.names.families[family].statements.iter();
        statements.find_map(|&task| self.tasks[task].statement.ty.as_ref())
    }

    /// The path of a statement's tasks, without indices.
    pub(crate) fn name(&self, task: &Task) -> String {
        self.names.path(task.family)
    }
}

/// A statement: one task, or one for each value of its indices.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) statement: Statement,
    /// The body; `None` if it could not be parsed, which has been reported.
    pub(crate) body: Option<Template>,
    pub(crate) family: usize,
    /// The indices of its groups, outermost first, then its own.
    pub(crate) indices: Vec<usize>,
    /// Its inputs from tasks, each once, in the order of first use.
    pub(crate) dependencies: Vec<Input>,
    /// Its captured names, each once, in the order of first use.
    pub(crate) captures: Vec<Input>,
    /// The positions of the indices that its body uses.
    pub(crate) used_indices: Vec<usize>,
    pub(crate) is_output: bool,
}

impl Task {
    /// Whether it is one task with whole families as inputs, whatever the values of variables are.
    pub(crate) fn is_plain(&self) -> bool {
        self.indices.is_empty()
            && self
                .dependencies
                .iter()
                .all(|input| input.is_whole() && input.conditions.is_empty())
    }
}

/// A name, or a path of fields, from around the graph.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) path: String,
    /// The expression of its first use.
    pub(crate) expression: Expr,
    pub(crate) span: Span,
}

/// Resolves all names; reports names that are taken, reserved or misused, and bodies that `return`.
pub(crate) fn resolve(items: Vec<Item>, diagnostics: &mut Diagnostics) -> Graph {
    let (names, statements) = Declarations::declare(items, diagnostics);
    let mut captures = Captures::default();
    resolve_indices(&names, &statements, diagnostics);
    let tasks = statements.into_iter();
    let tasks =
        tasks.map(|declared| resolve_statement(&names, declared, &mut captures, diagnostics));
    let mut tasks: Vec<Task> = tasks.collect();
    modes::choose(&names, &mut tasks);
    let projections = parts::choose(&mut tasks);
    Graph {
        names,
        tasks,
        captures: captures.list,
        projections,
    }
}

fn resolve_indices(names: &Declarations, statements: &[Declared], diagnostics: &mut Diagnostics) {
    let mut is_resolved = vec![false; names.indices.len()];
    for declared in statements {
        let group = names.families[declared.family].group;
        let scope = Scope {
            names,
            group,
            statement: &declared.statement.name,
            indices: &declared.indices,
        };
        for &index in &declared.indices {
            if !std::mem::replace(&mut is_resolved[index], true) {
                clauses::resolve_index(&names.indices[index].expression, scope, diagnostics);
            }
        }
    }
}

fn resolve_statement(
    names: &Declarations,
    declared: Declared,
    captures: &mut Captures,
    diagnostics: &mut Diagnostics,
) -> Task {
    let Declared {
        mut statement,
        family,
        indices,
    } = declared;
    let group = names.families[family].group;
    let scope = Scope {
        names,
        group,
        statement: &statement.name,
        indices: &indices,
    };
    clauses::resolve(&statement.clauses, scope, diagnostics);
    let body = statement.body.take();
    let resolved = body.map(|body| uses::resolve(body, scope, captures, diagnostics));
    let Resolved {
        template,
        dependencies,
        captures,
        indices: used_indices,
    } = resolved.unwrap_or_default();
    Task {
        is_output: names.families[family].is_output,
        body: template,
        dependencies,
        captures,
        used_indices,
        statement,
        family,
        indices,
    }
}

/// The name of an input's binding in generated code: similar to the user's, but with the hygiene of the macro.
pub(crate) fn local_name(path: &str, span: Span) -> Ident {
    let span = origin::span().located_at(span);
    let name = match path {
        "self" => "this".to_owned(),
        path => path.replace('.', "_"),
    };
    syn::parse_str::<Ident>(&name)
        .map_or_else(|_| Ident::new_raw(&name, span), |_| Ident::new(&name, span))
}
