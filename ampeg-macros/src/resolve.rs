//! Names to indices: which task uses which, what is captured, and how each body takes its inputs.
//!
//! A name that no task has is a capture or something outside; whether that exists is for rustc to say.

mod clauses;

use crate::body::{self, Position, Use, Visitor};
use crate::diagnostics::Diagnostics;
use crate::syntax::{CLAUSE_WORDS, Statement, name_of};
use proc_macro2::Span;
use std::collections::HashMap;
use syn::{Expr, ExprReturn, Ident};

/// All tasks of a graph, in the order written, with their dependencies by index.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) tasks: Vec<Task>,
    pub(crate) captures: Vec<Capture>,
    /// The index of each name.
    indices: HashMap<String, usize>,
}

impl Graph {
    pub(crate) fn has_task(&self, name: &str) -> bool {
        self.indices.contains_key(name)
    }
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) statement: Statement,
    /// The tasks that it uses, each once, in the order of their first use.
    pub(crate) dependencies: Vec<Input>,
    /// The captures that it uses, each once, in the order of their first use.
    pub(crate) captures: Vec<Input>,
    pub(crate) is_output: bool,
}

impl Task {
    pub(crate) fn name(&self) -> String {
        name_of(&self.statement.name)
    }
}

/// What one body uses of one task or capture.
#[derive(Debug)]
pub(crate) struct Input {
    /// The index of the task or of the capture.
    pub(crate) index: usize,
    /// The name, or the path of fields, as the body has it.
    pub(crate) path: String,
    /// Where it is used first.
    pub(crate) span: Span,
    pub(crate) mode: Mode,
    uses: usize,
    /// Whether it would do to own the value: what stands there runs once and moves the value.
    by_value: bool,
    /// Whether something stands there that may run more than once, or that cannot be analysed.
    only_shared: bool,
}

/// How a body takes an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Its only use in the graph: moved.
    Take,
    /// Its only use in the body, by value: moved if it is the last one on its worker, else cloned.
    TakeOrClone,
    /// Borrowed; uses by value clone it.
    Borrow,
}

/// A name, or a path of fields, from around the graph.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) path: String,
    /// As first used.
    pub(crate) expression: Expr,
    pub(crate) span: Span,
}

/// Looks up all names; reports names that are taken or reserved, and `return`.
pub(crate) fn resolve(statements: Vec<Statement>, diagnostics: &mut Diagnostics) -> Graph {
    let indices = declare(&statements, diagnostics);
    let has_pub = statements
        .iter()
        .any(|statement| statement.visibility.is_some());
    let mut captures = Captures::default();
    let mut tasks: Vec<Task> = Vec::with_capacity(statements.len());
    for mut statement in statements {
        clauses::resolve(&statement.clauses, &indices, diagnostics);
        let mut uses = Uses {
            indices: &indices,
            captures: &mut captures,
            diagnostics,
            dependencies: Vec::new(),
            used_captures: Vec::new(),
        };
        if let Some(body) = &mut statement.body {
            body::walk(body, &mut uses);
        }
        tasks.push(Task {
            is_output: statement.visibility.is_some() || !has_pub,
            dependencies: uses.dependencies,
            captures: uses.used_captures,
            statement,
        });
    }
    choose_modes(&mut tasks);
    Graph {
        tasks,
        captures: captures.list,
        indices,
    }
}

/// The index of each name; the first one of equal names has it.
fn declare(statements: &[Statement], diagnostics: &mut Diagnostics) -> HashMap<String, usize> {
    let mut indices: HashMap<String, usize> = HashMap::new();
    for (index, statement) in statements.iter().enumerate() {
        let name = name_of(&statement.name);
        if CLAUSE_WORDS.contains(&&*name) {
            let message = format!("`{name}` begins a clause, so no task can have this name");
            diagnostics.error(&statement.name, message);
        }
        if let Some(&first) = indices.get(&name) {
            let other: &Statement = &statements[first];
            let message = format!("a task named `{name}` is already declared");
            diagnostics.error(&statement.name, message);
            diagnostics.error(&other.name, format!("`{name}` is declared here first"));
        } else {
            indices.insert(name, index);
        }
    }
    indices
}

#[derive(Default)]
struct Captures {
    list: Vec<Capture>,
    indices: HashMap<String, usize>,
}

/// Collects what one body uses.
struct Uses<'a> {
    indices: &'a HashMap<String, usize>,
    captures: &'a mut Captures,
    diagnostics: &'a mut Diagnostics,
    dependencies: Vec<Input>,
    used_captures: Vec<Input>,
}

impl Visitor for Uses<'_> {
    fn is_task(&self, name: &str) -> bool {
        self.indices.contains_key(name)
    }

    fn on_use(&mut self, used: &Use<'_>) -> Option<Expr> {
        if let Some(&index) = self.indices.get(used.path) {
            note(&mut self.dependencies, index, used);
        } else {
            let captures = &mut *self.captures;
            let next = captures.list.len();
            let index = *captures.indices.entry(used.path.to_owned()).or_insert(next);
            if index == next {
                captures.list.push(Capture {
                    path: used.path.to_owned(),
                    expression: used.expression.clone(),
                    span: used.span(),
                });
            }
            note(&mut self.used_captures, index, used);
        }
        None
    }

    fn on_change(&mut self, name: &Ident) {
        let text = name_of(name);
        let what = if self.is_task(&text) {
            "the result of a task"
        } else {
            "a copy of what is around the graph"
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
}

fn note(inputs: &mut Vec<Input>, index: usize, used: &Use<'_>) {
    let by_value = used.position == Position::Value;
    let only_shared = used.repeated || used.position == Position::Unknown;
    if let Some(input) = inputs.iter_mut().find(|input| input.index == index) {
        input.uses += 1;
        return;
    }
    inputs.push(Input {
        index,
        path: used.path.to_owned(),
        span: used.span(),
        mode: Mode::Borrow,
        uses: 1,
        by_value,
        only_shared,
    });
}

/// Decides for each input whether it is moved, cloned or borrowed.
fn choose_modes(tasks: &mut [Task]) {
    let dependencies = users(tasks, |task| &task.dependencies);
    let captures = users(tasks, |task| &task.captures);
    for task in tasks {
        let again = task.statement.clauses.retry.is_some();
        for input in &mut task.dependencies {
            input.mode = mode(input, dependencies[&input.index] == 1 && !again);
        }
        for input in &mut task.captures {
            input.mode = mode(input, captures[&input.index] == 1 && !again);
        }
    }
}

/// How many tasks use each task or capture.
fn users(tasks: &[Task], inputs: impl Fn(&Task) -> &[Input]) -> HashMap<usize, usize> {
    let mut users = HashMap::new();
    for input in tasks.iter().flat_map(inputs) {
        *users.entry(input.index).or_insert(0) += 1;
    }
    users
}

fn mode(input: &Input, is_only_user: bool) -> Mode {
    if input.uses > 1 || input.only_shared {
        Mode::Borrow
    } else if is_only_user {
        Mode::Take
    } else if input.by_value {
        Mode::TakeOrClone
    } else {
        Mode::Borrow
    }
}

/// A name for the binding of an input in generated code, at `span`: its own, which no user token can mean.
pub(crate) fn binding(path: &str, span: Span) -> Ident {
    let span = Span::mixed_site().located_at(span);
    let name = match path {
        "self" => "this".to_owned(),
        path => path.replace('.', "_"),
    };
    syn::parse_str::<Ident>(&name)
        .map_or_else(|_| Ident::new_raw(&name, span), |_| Ident::new(&name, span))
}
