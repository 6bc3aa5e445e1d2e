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
/// Statements may be in any order. A type after the name is checked like the type of a `let`, and helps inference:
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
/// A body is any Rust expression, and acts like a `move` closure that runs on a worker.
/// Names in a body have these meanings:
///
/// - A name that the body binds is a local variable of the body.
/// - The name of a task is a dependency, even if a variable outside the graph has the same name.
/// - Any other lower-case name in value position is captured: evaluated where the graph is declared, and sent as a copy.
///   `data.rows` and `self.config.n` capture only that field.
/// - All other names, and the callee of a call, stay as written. So `sum = sum(&a)` is valid.
///   To call a `fn` pointer, or a local closure that captures nothing, write `(f)(x)`.
///
/// As with variables, names from different macros are different names.
/// Write the path of an `unsafe` or `extern` function that is not called: `Some(self::compare)`.
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
/// In a method, `self.field` captures only that field; the type of `self` need not be serializable:
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
/// A generic function may declare a graph if the types of results and captures have the bounds of serde:
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
/// A bare name is passed by value: moved if this is its only use in the graph, otherwise cloned.
/// Any other use (`&a`, `a.x`, `a[1..3]`, `a.len()`, `a == b`) borrows through a shared reference, and clones nothing.
/// In a loop or a closure a bare name is cloned, since the code may run more than once.
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
/// If the tasks of another worker use only parts of a result, only these parts are sent. A part consists of fields, and of
/// brackets with literals, constants, indices and captures. So each task can receive its piece of a large result.
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
/// If a part does not exist (`_table[9]`), the task that uses it fails.
/// A body cannot name a field of a packed struct or a union directly; borrow the whole first: `let whole = &a;`.
///
/// # Failure
///
/// `?` fails the task with any error that converts into a boxed error. A panic fails the task too.
/// Tasks that depend on a failed task do not run; all others do. A body cannot use `return`.
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
/// Names are found inside `vec!`, `dbg!`, `matches!`, the macros of std that format, print, write and assert, with their
/// format strings, and the usual macros of `log`, `tracing` and `anyhow`.
/// If any other macro has a list of expressions as its arguments, names in the list are used by reference.
/// In other arguments, each token that equals a task's name is a use of the task, and variables are not captured.
///
/// ```
/// let graph = ampeg::graph! { a = 1; b = vec![a, 2]; c = format!("{a} {b:?}"); };
/// assert_eq!(graph.run(2)?.c, Ok("1 [1, 2]".to_owned()));
/// # Ok::<(), ampeg::Error>(())
/// ```
///
/// # Clauses
///
/// `@` is the cost of the computation (default 1), and `via` the cost of moving each dependency (default 0).
/// Both are numbers in any one unit, or `Duration`s, evaluated where the graph is declared.
/// `within` limits the time of the body, and `retry` is the number of further attempts if the task fails.
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
/// Every task is an output, unless some tasks are `pub`: then only these are, and other results stay on the workers.
/// Doc comments of a task become those of its field in the outcome.
/// rustc warns of a task that is neither an output nor used, unless its name begins with `_`.
///
/// # Families
///
/// A name with indices declares a *family*: one task, a *member*, for each value of the index. Its results are a `Vec`.
/// In a body, brackets after the name select members: an integer selects one result, and a range a `Vec` of results in
/// the order of the index. Without brackets, `part` is the `Vec` of all results.
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
/// Body, costs and brackets can use the index as a value of the type of its range.
/// An index may run over any iterator of integers of one type, such as `(0..n).step_by(2)`, without repetitions.
///
/// Several indices make nested lists. Brackets belong to the indices in their order, so `m[..][0]` is a column.
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
/// Brackets and fields after the last index apply to the result. After a list they apply to each member:
/// `block[..][1]` is a `Vec` with the second element of each block, and `fit.slope` a `Vec` of all slopes. Only these
/// parts are sent, so an all-to-all exchange needs no tasks in between:
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
///     slopes = fit.slope;                     // no residuals are sent
///     second = block[1];                      // the second member of the list …
///     same = { let all = &block; all[1].clone() }; // … also by a variable of the body, which is the whole list
///     count = block[..].len();                // methods apply to the list
/// };
/// let values = graph.run(2)?.into_values()?;
/// assert_eq!(values.turned, [[0, 10, 20], [1, 11, 21], [2, 12, 22]]);
/// assert_eq!(values.slopes, [0.0, 1.0, 2.0]);
/// assert_eq!((values.second, values.count), (vec![10, 11, 12], 3));
/// # assert_eq!(values.same, [10, 11, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// So the first brackets always belong to the indices of the family, and further brackets to the result.
/// A part of each member must be `Clone`, and its brackets must be known where the graph is declared.
/// Otherwise write `block[..].iter().map(|block| …)`.
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
/// If the condition of an `if` uses only indices and variables from outside the graph, a member depends only on the tasks
/// in the branch that it takes. In a `match`, or if a result decides, it depends on the tasks of all branches, so all of
/// them must exist.
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
/// The members, and the members that each body uses, are decided where the graph is declared.
/// So a bracket cannot contain a result, or a variable or item that the body declares or imports.
/// Instead depend on all members, and index their `Vec`:
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
/// A member is moved if it certainly has only one use, as in `y[i in 0..n] = f(x[i])`. All other uses by value clone
/// the member, and a list clones its members.
/// If rustc cannot infer the types of families that depend on each other, write a type after the name.
///
/// # Groups
///
/// A group puts tasks under a prefix: outside the group and in the outcome, `b` in the group `left` is `left.b`.
/// Inside a group, a name first means a task of the group, then one outside it. `via` names tasks without brackets.
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
/// A group may have indices, which all its tasks then have. Its field in the outcome is a `Vec`.
/// Inside, a name means the task with the same indices; `shard[i - 1].sum` is the task with another index, and `shard.sum`
/// the list for all indices.
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
/// In item position, `graph!` declares functions that return graphs, and the structs of their values:
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
/// The function keeps its docs, visibility, parameters and bounds. The graph captures the parameters that its statements
/// use.
/// Each output needs a type. The type of a family is that of one member, and its field is a `Vec`.
/// All other types are inferred.
/// Attributes that a function cannot have, such as `#[derive(…)]`, go to the structs of values: `Moments`, and
/// `MomentsLeft` for a group `left`.
/// A run returns the struct `MomentsOutcome`.
///
/// In a method or a closure, or for your own struct, `graph! { -> Moments; … }` is an expression of type `Graph<Moments>`;
/// the struct needs [`#[derive(Values)]`](macro@crate::Values).
///
/// # What is checked
///
/// The macro reports cycles, duplicate and reserved names, unknown clauses, `via` for a task that is not a dependency,
/// and literal costs out of range. It reports all of them at once, each at its token. rustc checks other names, types
/// and missing `Clone`.
/// Errors that depend on the values of indices are returned when the graph is first used: members that are missing or
/// declared twice, and cycles among members, with their path.
///
/// ```compile_fail
/// ampeg::graph! { a = c + 1; b = a + 1; c = b + 1; }; // error: the path of the cycle
/// ```
///
/// # Limits
///
/// The type of a result implements serde's `Serialize` and `Deserialize` and borrows nothing.
/// A graph has at most 2²⁴ tasks, and an index fits into an `i64`.
#[macro_export]
macro_rules! graph {
    ($($tokens:tt)*) => {
        $crate::__private::graph! { [$crate] $($tokens)* }
    };
}
