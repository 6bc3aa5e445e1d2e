//! The `graph!` macro of [`ampeg`](https://docs.rs/ampeg).

mod diagnostics;
mod source;
mod suggest;
mod syntax;

mod parse;

mod body;
mod resolve;

mod cycle;
mod order;

mod check;

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
///            | doc* name ":" "{" statement* "}"                     a group
/// clause    := "@" cost | "via" comm | "within" duration | "retry" count
/// comm      := cost | "{" (path ":" cost),* "}"
/// ```
///
/// ```
/// # fn main() -> Result<(), ampeg::Error> {
/// # fn square(x: i64) -> i64 { x * x }
/// # fn add(x: i64, y: i64) -> i64 { x + y }
/// let k = 3;
/// let graph = ampeg::graph! {
///     a = square(3) @ 10.8;
///     b = square(4) @ 10.8;
///     /// The sum of both squares.
///     pub c = add(a, b) @ 2 * k via { a: 1, b: 0.5 } retry 2;
/// };
/// assert_eq!(graph.run(2)?.c, Ok(25));
/// # Ok(())
/// # }
/// ```
///
/// Statements may stand in any order. The type after a name is checked as that of a `let`, and helps inference:
///
/// ```
/// let graph = ampeg::graph! {
///     total = numbers.iter().sum::<u32>();
///     numbers: Vec<u32> = "1 2 3".split(' ').map(|n| n.parse()).collect::<Result<_, _>>()?;
/// };
/// assert_eq!(graph.run(2)?.total, Ok(6));
/// # Ok::<(), ampeg::Error>(())
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
/// ```
/// let (rows, title) = (vec![1.5, 2.5], "sum");
/// fn sum(rows: &[f64]) -> f64 { rows.iter().sum() }
/// let graph = ampeg::graph! {
///     sum = sum(&rows);                       // captures `rows`, calls the function
///     text = format!("{title}: {sum}");       // captures `title`, depends on the task
/// };
/// assert_eq!(graph.run(2)?.text, Ok("sum: 4".to_owned()));
/// assert_eq!(rows.len(), 2); // copies were sent
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// In a method, `self.field` captures that field; the type of `self` need not be serializable:
///
/// ```
/// struct Model { scale: f64 }
/// impl Model {
///     fn apply(&self, x: f64) -> Result<f64, Box<dyn std::error::Error>> {
///         let graph = ampeg::graph! { y = self.scale * x; z = y + 1.0; };
///         Ok(graph.run(2)?.into_values()?.z)
///     }
/// }
/// assert_eq!(Model { scale: 2.0 }.apply(3.0)?, 7.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A graph may stand in a generic function, if what it sends is bound to be serializable:
///
/// ```
/// use serde::{Serialize, de::DeserializeOwned};
/// fn twice<T: Serialize + DeserializeOwned + Clone + 'static>(x: T) -> Result<Vec<T>, Box<dyn std::error::Error>> {
///     let graph = ampeg::graph! { a = x.clone(); pub both = vec![a.clone(), a]; };
///     Ok(graph.run_inline()?.into_values()?.both)
/// }
/// assert_eq!(twice(7)?, [7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # By value and by reference
///
/// A bare name is passed by value: moved if this is its only use in the graph, else cloned.
/// Any other use (`&a`, `a.x`, `a[1..3]`, `a.len()`, `a == b`) is a place behind a shared reference, and clones nothing.
/// In a loop or a closure a bare name is cloned, since it may run more than once.
///
/// ```
/// let graph = ampeg::graph! {
///     point = (1, vec![2, 3, 4]);
///     part = point.1[1..].to_vec();
///     all = [part.len(), point.0];
///     moved = part;
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!((values.all, values.moved), ([2, 1], vec![3, 4]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Failure
///
/// `?` fails the task with anything that converts into a boxed error, and so does a panic.
/// What depends on it does not run; all else does. `return` cannot leave a body.
///
/// ```
/// let outcome = ampeg::graph! {
///     bad: u8 = "x".parse()?;
///     next = bad + 1;
///     other = 5;
/// }
/// .run(2)?;
/// assert!(outcome.bad.is_err());
/// assert_eq!(outcome.other, Ok(5));
/// assert_eq!(outcome.into_values().unwrap_err().task(), "bad");
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// # Macros in bodies
///
/// `vec!`, `dbg!`, `matches!`, formatting, printing, writing and asserting macros are looked into, with the names
/// in their format strings; so are the usual ones of `log`, `tracing` and `anyhow`.
/// Any other macro that is given a list of expressions is walked as one, each name by reference.
/// In what is no such list, tokens that equal a task's name count as its uses; variables are not captured there.
///
/// ```
/// let graph = ampeg::graph! { a = 1; b = vec![a, 2]; c = format!("{a} {b:?}"); };
/// assert_eq!(graph.run(2)?.c, Ok("1 [1, 2]".to_owned()));
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// # Clauses
///
/// `@` is the cost of the computation (1 if left out) and `via` that of moving each dependency (0 if left out):
/// numbers in any one unit, or `Duration`s, evaluated where the graph stands.
/// `within` bounds the time of a task, and `retry` is how often it is tried again.
///
/// ```
/// use std::time::Duration;
/// let n = 3;
/// let graph = ampeg::graph! {
///     a = 1 @ n * 2;
///     b = a + 1 @ 4 via 0.5 within Duration::from_secs(60) retry 1;
/// };
/// let tasks = graph.task_graph()?;
/// let a = tasks.find("a").expect("it is declared");
/// assert_eq!(tasks.mean_cost(a), 6.0);
/// assert_eq!(graph.run(2)?.b, Ok(2));
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// # Outputs
///
/// Every task is an output, unless some are marked `pub`: then those are, and the results of others stay with the workers.
/// Doc comments become those of the output's field.
/// A task that is neither an output nor used is warned of like a variable; a name with `_` in front is not.
///
/// # Groups
///
/// A group puts tasks under a prefix: `left.b` is the name of a task from outside, and of its place in the outcome.
/// Inside, names mean what is in the group first, then what is around it.
///
/// ```
/// let graph = ampeg::graph! {
///     base = 2;
///     left: { a = base * base; b = a + 1; }
///     right: { a = left.b; b = a + base; }
///     total = left.b + right.b via { left.b: 2, right.b: 0.5 };
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!((values.left.b, values.right.b, values.total), (5, 7, 12));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is checked
///
/// Cycles, duplicate and reserved names, unknown clauses, `via` for what is no dependency, and literal costs out of range
/// are errors of the macro, all at once and each at its token. Rustc checks all else: names, types, missing `Clone`.
///
/// ```compile_fail
/// ampeg::graph! { a = c + 1; b = a + 1; c = b + 1; }; // error: the path of the cycle
/// ```
///
/// # Limits
///
/// Families (one task per index) are not there yet.
/// A result is any type with serde's `Serialize` and `Deserialize` that owns its data; `&'static str` may be in it.
#[proc_macro]
pub fn graph(tokens: TokenStream) -> TokenStream {
    expand_graph(tokens.into()).into()
}

/// Text to tokens, stage by stage.
fn expand_graph(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut diagnostics = Diagnostics::default();
    let identity = expand::Identity::of(&tokens);
    let items = parse::parse(tokens, &mut diagnostics);
    let is_whole = diagnostics.is_empty();
    let graph = resolve::resolve(items, &mut diagnostics);
    let is_whole = is_whole && diagnostics.is_empty();
    reject_families(&graph, &mut diagnostics);
    let is_whole = is_whole && diagnostics.is_empty();
    let order = check::check(&graph, &mut diagnostics);
    match order {
        Some(order) if is_whole => expand::whole(&graph, &order, &identity, &diagnostics),
        _ => expand::broken(&graph, &diagnostics),
    }
}

/// Families have their place in the grammar, but cannot be run yet.
fn reject_families(graph: &resolve::Graph, diagnostics: &mut Diagnostics) {
    for index in &graph.names.indices {
        let message = "families of tasks, like `part[i in 0..n] = …`, are not supported yet";
        diagnostics.error(&index.expression, message);
    }
}
