//! The `graph!` macro of [`ampeg`](https://docs.rs/ampeg).

mod diagnostics;
mod source;
mod suggest;
mod syntax;

mod parse;

mod body;
mod resolve;

mod check;
mod cycle;

mod expand;

#[cfg(test)]
mod tests;

use diagnostics::Diagnostics;
use proc_macro::TokenStream;

/// Declares a graph of dependent tasks, each of which runs in a worker process.
///
/// The value is a `Graph`, whose outcome has one field per output: `outcome.e` is a `Result<T, TaskError>`.
///
/// ```text
/// graph     := statement*
/// statement := doc* "pub"? name (":" type)? "=" body clause* ";"
/// clause    := "@" cost | "via" comm | "within" duration | "retry" count
/// comm      := cost | "{" (name ":" cost),* "}"
/// ```
///
/// ```ignore
/// let graph = ampeg::graph! {
///     a = square(3) @ 10.8;
///     b = square(4) @ 10.8;
///     /// The sum of both squares.
///     pub c = add(a, b) @ 2 * k via { a: 1, b: 0.5 } retry 2;
/// };
/// assert_eq!(graph.run(2)?.c, Ok(25));
/// ```
///
/// # Bodies
///
/// A body is any Rust expression, and stands for a `move` closure that runs elsewhere.
/// Of the names in it,
///
/// - those that it binds itself are its own;
/// - those of tasks are dependencies, whatever else has the name around the graph;
/// - other lower-case names in value position are captured: evaluated where the graph stands, and sent as a copy.
///   Of `data.rows` or `self.config.n`, only that field is captured;
/// - everything else, and the callee of a call, stays as written. So `sum = sum(&a)` is fine.
///   To call a local closure that captures nothing, write `(f)(x)`.
///
/// A bare name is passed by value: moved if this is its only use in the graph, else cloned.
/// Any other use (`&a`, `a.x`, `a[1..3]`, `a.len()`, `a == b`) is a place behind a shared reference.
/// In a loop or a closure a bare name is cloned, since it may run more than once.
///
/// `?` fails the task with anything that converts into a boxed error. `return` cannot leave a body.
///
/// # Macros in bodies
///
/// `vec!`, `dbg!`, `matches!`, formatting, printing, writing and asserting macros are looked into, with the names
/// in their format strings; so are the usual ones of `log`, `tracing` and `anyhow`.
/// Any other macro that is given a list of expressions is walked as one, each name by reference.
/// In what is no such list, tokens that equal a task's name count as its uses; variables are not captured there.
///
/// # Clauses
///
/// `@` is the cost of the computation (1 if left out) and `via` that of moving each dependency (0 if left out):
/// numbers in any one unit, or `Duration`s, evaluated where the graph stands.
/// `within` bounds the time of a task, and `retry` is how often it is tried again.
///
/// # Outputs
///
/// Every task is an output, unless some are marked `pub`: then those are.
/// A task that is neither an output nor used is warned of like a variable; a name with `_` in front is not.
#[proc_macro]
pub fn graph(tokens: TokenStream) -> TokenStream {
    expand_graph(tokens.into()).into()
}

/// Text to tokens, stage by stage.
fn expand_graph(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut diagnostics = Diagnostics::default();
    let identity = expand::Identity::of(&tokens);
    let statements = parse::parse(tokens, &mut diagnostics);
    let is_whole = diagnostics.is_empty();
    let graph = resolve::resolve(statements, &mut diagnostics);
    let is_whole = is_whole && diagnostics.is_empty();
    let order = check::check(&graph, &mut diagnostics);
    match order {
        Some(order) if is_whole => expand::whole(&graph, &order, &identity, &diagnostics),
        _ => expand::broken(&graph, &diagnostics),
    }
}
