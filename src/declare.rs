//! The macro `graph!`, with its documentation.

/// Declares a graph of dependent tasks, each of which runs in a worker process.
///
/// The value is a `Graph<V>`, whose outcome has one field per output: `outcome.e` is a `Result<T, TaskError>`.
///
/// ```text
/// graph     := ("->" path ";")? statement* | function*
/// function  := attribute* visibility "fn" name generics? "(" parameters ")" "->" path where? "{" statement* "}"
/// statement := doc* "pub"? name family? (":" type)? "=" body clause* ";"
///            | doc* name family? ":" "{" statement* "}"                     a group
/// family    := "[" index ("," index)* "]"
/// index     := name "in" range | expression
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
///   To call a local closure that captures nothing, or a `fn` pointer, write `(f)(x)`.
///
/// Names that come from different macros are different names, as those of variables are.
/// Functions that are `unsafe` or `extern` are named by their path where they are not called: `Some(self::compare)`.
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
/// # Parts of results
///
/// If tasks on another worker use only parts of a result, then only these travel: fields, and brackets of literals,
/// constants, indices and captures. So a large result can be handed out piece by piece.
///
/// ```
/// let n = 4;
/// let graph = ampeg::graph! {
///     _table = vec![vec![1.5; 1000]; n] @ 5;
///     pub sum[i in 0..n] = _table[i].iter().sum::<f64>() @ 5 via 1; // one row goes to each
///     pub first = _table[0][..3].to_vec();                          // three numbers
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!((values.sum, values.first), (vec![1500.0; 4], vec![1.5; 3]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A part that does not exist (`_table[9]`) is the failure of the task that uses it.
/// Of a packed struct or a union, a body cannot name a field so; it begins with the whole, `let whole = &a;`.
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
/// `within` bounds the time of the body, and `retry` is how many more times the task is tried if it fails.
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
/// # Families
///
/// A name with indices declares a task for each of their values, and its results come back as a `Vec`.
/// In a body, brackets after such a name select: an integer one result, a range a `Vec` of results, in order of the
/// index. What is left out means all of it: without brackets, `part` is the `Vec` of all results.
///
/// ```
/// fn sum(parts: &[u64]) -> u64 { parts.iter().sum() }
/// let n = 4;
/// let graph = ampeg::graph! {
///     part[i in 0..n] = i * i @ i + 1;
///     total = sum(&part);
///     inner = sum(&part[1..3]);
///     last = part[n - 1];
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!(values.part, [0, 1, 4, 9]);
/// assert_eq!((values.total, values.inner, values.last), (14, 5, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The index is a value in body, costs and brackets, of the type that its range has.
/// An index may run over anything that gives integers of one type, `(0..n).step_by(2)` as well; each only once.
///
/// Several indices make nested lists. Each bracket belongs to one index, in their order, so that `m[..][0]` is a column.
///
/// ```
/// let graph = ampeg::graph! {
///     m[i in 0..3, j in 0..=i] = 10 * i + j;
///     row = m[2];
///     column = m[1..][1];
///     lengths = m.iter().map(Vec::len).collect::<Vec<_>>();
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!(values.m, [vec![0], vec![10, 11], vec![20, 21, 22]]);
/// assert_eq!((values.row, values.column), (vec![20, 21, 22], vec![11, 21]));
/// assert_eq!(values.lengths, [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Brackets and fields after the last index are those of the result itself. After a list they are taken of each
/// member: `block[..][1]` is a `Vec` with the second of each, and `fit.slope` one of all slopes. Only these parts
/// travel, so that each task can take its share of each result (an all-to-all exchange) without tasks in between:
///
/// ```
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Line { slope: f64, residuals: Vec<f64> }
/// # fn fit_line(k: usize) -> Line { Line { slope: k as f64, residuals: vec![0.0; 1000] } }
/// let n = 3;
/// let graph = ampeg::graph! {
///     block[i in 0..n] = (0..n).map(|j| 10 * i + j).collect::<Vec<usize>>();
///     turned[j in 0..n] = block[..][j];       // the `j`-th of each block: a column
///     fit[k in 0..n] = fit_line(k);
///     slopes = fit.slope;                     // no residual travels
///     second = block[1];                      // the second member of the list …
///     same = { let all = &block; all[1].clone() }; // … which a name of the body's is as any other `Vec`
///     count = block[..].len();                // a method is one of the list
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!(values.turned, [[0, 10, 20], [1, 11, 21], [2, 12, 22]]);
/// assert_eq!(values.slopes, [0.0, 1.0, 2.0]);
/// assert_eq!((values.second, values.count), (vec![10, 11, 12], 3));
/// # assert_eq!(values.same, [10, 11, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// So a bracket means the same whatever the number of indices is: first those of the family, then those of the result.
/// What is taken of each member must be `Clone`, and its brackets must be known where the graph stands;
/// for all else, `block[..].iter().map(|block| …)`.
///
/// Several statements may declare members of one family, and members may depend on members:
///
/// ```
/// let graph = ampeg::graph! {
///     x[0] = 1.0;
///     x[t in 1..6] = x[t - 1] / 2.0 + 1.0 / x[t - 1];
///     pub root: f64 = x[5];
/// };
/// let root = graph.run(2)?.into_values()?.root;
/// assert!((root * root - 2.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Under an `if` whose condition is made of indices and variables from around the graph, what a branch uses counts only
/// for those members that take it. Elsewhere (in a `match`, or if a result decides) all uses count, so they must exist.
///
/// ```
/// let start = 2_i64;
/// let graph = ampeg::graph! {
///     x[t in 0..4] = if t == 0 { start } else { x[t - 1] * x[t - 1] };
/// };
/// assert_eq!(graph.run(2)?.into_values()?.x, [2, 4, 16, 256]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Which members there are and which of them a body uses is known where the graph stands.
/// So a bracket cannot hold what only the body knows: a result, a variable, or an item that the body declares or
/// imports. Depend on all members, and index their `Vec`:
///
/// ```
/// let graph = ampeg::graph! {
///     part[i in 0..3] = i * 10;
///     k = 2;
///     chosen = { let all = &part; all[k] };
/// };
/// assert_eq!(graph.run(2)?.chosen, Ok(20));
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// Members are moved where each is surely used once, `y[i in 0..n] = f(x[i])`; else uses by value, and lists, clone.
/// If rustc does not know the type of families that depend on each other, write it after the name.
///
/// # Groups
///
/// A group puts tasks under a prefix: `left.b` is the name of a task from outside, and of its place in the outcome.
/// Inside, names mean what is in the group first, then what is around it. `via` names tasks without brackets.
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
/// A group may have indices too; all that is in it has them, and its place in the outcome is a `Vec`.
/// Inside, a name means what has the same indices. `shard[i - 1].sum` is that of another one, `shard.sum` those of all.
///
/// ```
/// let graph = ampeg::graph! {
///     shard[i in 0..3]: {
///         part[j in 0..2] = 10 * i + j;
///         sum = part[0] + part[1];
///         /// The sum of this shard and those before it.
///         pub so_far = if i == 0 { sum } else { shard[i - 1].so_far + sum };
///     }
///     pub sums = shard.sum;
///     pub second = shard[1..].part[1];
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!(values.shard[2].so_far, 63);
/// assert_eq!((values.sums, values.second), (vec![1, 21, 41], vec![11, 21]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Named graphs
///
/// Where items stand, `graph!` declares functions that return graphs, and the structs of their values:
///
/// ```
/// use ampeg::{Graph, graph};
///
/// graph! {
///     /// Mean and spread of some numbers.
///     #[derive(Debug, Clone, PartialEq)]
///     pub fn moments(xs: &[f64], n: i32) -> Moments {
///         power[k in 0..n] = xs.iter().map(|x| x.powi(k)).sum::<f64>() @ 3;
///         /// The arithmetic mean.
///         pub mean: f64 = power[1] / power[0];
///         pub powers: Vec<f64> = power;
///     }
/// }
///
/// let graph: Graph<Moments> = moments(&[1.0, 2.0, 3.0], 3);
/// let outcome: MomentsOutcome = graph.run(2)?;
/// assert_eq!(outcome.mean, Ok(2.0));
/// let moments: Moments = outcome.into_values()?;
/// assert_eq!(moments.powers, [3.0, 6.0, 14.0]);
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// The function has the docs, visibility, parameters and bounds that are written, and captures of its parameters what
/// its statements use.
/// Each output needs a type; that of a family is the type of one member, and its field is a `Vec`.
/// Everything else is inferred.
/// Attributes that a function cannot have, such as `#[derive(…)]`, are those of the structs of values: `Moments`, and
/// `MomentsLeft` for a group `left`.
/// The struct `MomentsOutcome` is what a run returns.
///
/// In a method or a closure, or for a struct of the program's own, `graph! { -> Moments; … }` is an expression of type
/// `Graph<Moments>`; the struct has [`#[derive(Values)]`](macro@crate::Values).
///
/// # What is checked
///
/// Cycles, duplicate and reserved names, unknown clauses, `via` for what is no dependency, and literal costs out of range
/// are errors of the macro, all at once and each at its token. Rustc checks all else: names, types, missing `Clone`.
/// What depends on the values of indices is told when the graph is first used: members that are missing or declared
/// twice, and cycles among members, each with its path.
///
/// ```compile_fail
/// ampeg::graph! { a = c + 1; b = a + 1; c = b + 1; }; // error: the path of the cycle
/// ```
///
/// # Limits
///
/// A result is any type with serde's `Serialize` and `Deserialize` that borrows nothing.
/// A graph has at most 2²⁴ tasks, whose indices fit 64 bits with a sign.
#[macro_export]
macro_rules! graph {
    ($($tokens:tt)*) => {
        $crate::__private::graph! { [$crate] $($tokens)* }
    };
}
