//! The `graph!` macro of [`ampeg`](https://docs.rs/ampeg).

mod derive;
mod diagnostics;
mod origin;
mod source;
mod suggest;
mod syntax;

mod parse;

mod body;
mod resolve;

mod digraph;
mod order;

mod check;

mod expand;
mod function;

mod stages;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// The procedural macro behind `ampeg::graph!`, which passes its tokens with the path to its crate before them.
#[proc_macro]
pub fn graph(tokens: TokenStream) -> TokenStream {
    stages::expand_graph(tokens.into()).into()
}

/// Lets a struct of your own hold the values of a graph.
///
/// `graph! { -> Fit; … }` is then a [`Graph<Fit>`](https://docs.rs/ampeg/latest/ampeg/struct.Graph.html): a type with a
/// name, which functions can return and structs can store.
/// The struct has a field for each output of the graph, in any order, with the type of its value.
/// The derive makes the struct of the outcome, `FitOutcome`, with a `Result` for each field and the report.
///
/// | field | output |
/// | --- | --- |
/// | `line: Line` | the task `line` |
/// | `#[values(family)] errors: Vec<f64>` | the family `errors[i in 0..n]` |
/// | `#[values(family = 2)] cells: Vec<Vec<f64>>` | the family `cells[i in 0..n, j in 0..m]` |
/// | `#[values(group)] left: Side` | the group `left: { … }`; `Side` derives `Values` too |
/// | `#[values(group)] shard: Vec<Shard>` | the group `shard[s in 0..n]: { … }` |
///
/// If the crate `ampeg` has another name, write `#[values(crate = name)]` before the struct.
///
/// ```
/// use ampeg::{Graph, Values, graph};
///
/// #[derive(Debug, PartialEq, Values)]
/// struct Moments {
///     mean: f64,
///     #[values(family)]
///     power: Vec<f64>,
/// }
///
/// fn moments(xs: &[f64], n: i32) -> Graph<Moments> {
///     graph! {
///         -> Moments;
///         pub power[k in 0..n] = xs.iter().map(|x| x.powi(k)).sum::<f64>();
///         pub mean = power[1] / power[0];
///     }
/// }
///
/// let graph = moments(&[1.0, 2.0, 3.0], 3);
/// let outcome = graph.run(2)?;
/// assert_eq!(outcome.mean, Ok(2.0));
/// assert_eq!(outcome.into_values()?, Moments { mean: 2.0, power: vec![3.0, 6.0, 14.0] });
/// # Ok::<(), ampeg::Error>(())
/// ```
#[proc_macro_derive(Values, attributes(values))]
pub fn derive_values(tokens: TokenStream) -> TokenStream {
    derive::expand(tokens.into()).into()
}
