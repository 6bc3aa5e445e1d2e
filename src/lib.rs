//! Declare a graph of dependent computations inline; run it in parallel worker processes.
//!
//! ```
//! use ampeg::graph;
//!
//! let numbers = vec![3.0, 1.0, 4.0, 1.0, 5.0];
//! let statistics = graph! {
//!     mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
//!     variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
//!     largest = numbers.iter().copied().fold(f64::MIN, f64::max);
//!     score = (largest - mean) / variance.sqrt();
//! };
//! let outcome = statistics.run(2)?; // two worker processes
//! assert_eq!(outcome.mean, Ok(2.8)); // typed: Result<f64, TaskError>
//! # assert_eq!(outcome.largest, Ok(5.0));
//! # assert!(outcome.score.is_ok());
//! # Ok::<(), ampeg::Error>(())
//! ```
//!
//! Each statement is a task. A task depends on each task that its body names.
//! The compiler checks the graph: a cycle, a name that does not exist and a type that does not fit are compile errors
//! at the token concerned.
//! A schedule, made before the run, says which worker runs each task, and when. Workers send results directly to each
//! other.
//!
//! `ampeg` suits pipelines of expensive, unequal steps in one program, especially steps that should not share a process:
//! code that is not thread-safe, keeps global state, leaks, or may abort.
//!
//! Whole programs are in [`examples`].
//!
//! # The main types
//!
//! | | |
//! | --- | --- |
//! | [`graph!`] | declares a graph, as an expression of type [`Graph`], or as a function that returns one |
//! | [`Graph`] | runs on processes ([`run`](Graph::run)) or in this thread ([`run_inline`](Graph::run_inline)); makes a schedule ([`schedule`](Graph::schedule)) or a drawing ([`to_dot`](Graph::to_dot)) |
//! | [`Pool`] | keeps worker processes between runs; [`Pool::builder`] has its settings, and [`Pool::start`] returns a [`Run`] that can be cancelled |
//! | [`macro@Values`] | is a derive for your own struct of values, so that the type `Graph<Fit>` has a name |
//! | [`Outcome`] | the result of a run: a struct with the report and one `Result` per output, in fields with the names of the tasks; [`into_values`](Outcome::into_values) returns all plain values or the first failure |
//! | [`TaskError`] | says why one task has no result; [`TaskErrorKind`] lists the reasons |
//! | [`Report`] | compares planned and observed times, task by task, and measures costs that the next schedule can use |
//! | [`Event`] | something that happened in a run, which [`PoolBuilder::observe`] sends to an [`Observer`] |
//! | [`Error`] | says why a graph could not be run at all |
//! | [`TaskGraph`], [`schedule`] | tasks, dependencies and costs without code, and schedulers for them; both work without the macro |
//!
//! # Writing a graph
//!
//! A task is a `move` closure that runs on a worker.
//! Its body is any expression. Names in the body mean:
//! - the name of a task is a dependency; tasks may be declared in any order;
//! - any other local variable is captured: serialized where the graph is declared, and sent to the workers that need it;
//! - functions, constants, types and paths have their usual meaning;
//!   `fn` pointers and closures that use no variables can be captured.
//!
//! A task hides a variable of the same name, also in its own body: `x = f(x)` is a cycle, not a capture.
//! A body that never returns, such as `loop` or `abort()`, needs a type: `x: u8 = abort();`.
//!
//! A bare dependency, as in `add(a, b)`, is passed by value, and cloned only if another use needs it too.
//! `&a`, `a.field`, `a[2]` and `a.len()` borrow.
//!
//! ```
//! use ampeg::graph;
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
//! struct Fit {
//!     slope: f64,
//!     offset: f64,
//! }
//!
//! fn fit(xs: &[f64], ys: &[f64]) -> Result<Fit, String> {
//!     let (x, y) = (xs.first().ok_or("no point")?, ys.first().ok_or("no point")?);
//!     Ok(Fit { slope: y / x, offset: 0.0 })
//! }
//!
//! let (text, expected) = ("2 4 6", 1.5);
//! let graph = graph! {
//!     xs: Vec<f64> = text.split(' ').map(str::parse).collect::<Result<_, _>>()? @ 0.1;
//!     ys: Vec<f64> = xs.iter().map(|x| x * 1.5).collect();
//!     /// The line through the points.
//!     pub line = fit(&xs, &ys)? @ 5 via { xs: 1, ys: 2 } within Duration::from_secs(60) retry 2;
//!     pub error = (line.slope - expected).abs() @ 0.1;
//! };
//! let values = graph.run(2)?.into_values()?;
//! assert_eq!(values.line, Fit { slope: 1.5, offset: 0.0 });
//! assert_eq!(values.error, 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - `@` is the computation cost of a task and `via` the communication cost of its dependencies, all in one unit.
//!   By default a task costs 1 and a dependency 0.
//!   Costs decide where tasks run, and never change results.
//! - `within` limits the time of a body, and `retry` is the number of further attempts.
//! - If some tasks are `pub`, only these are outputs, and the results of all others stay on the workers.
//! - `?` fails the task with any error that converts into a boxed error, and a panic fails it as well.
//! - A result is any type with serde's `Serialize` and `Deserialize` that owns its data; it may contain `&'static str`.
//!   The page [`values`] lists such types, and says how copies of values can differ.
//!   If the value of a task is a `Result`, add `?`, or write the type: `a: Result<T, E> = …`.
//! - Costs are numbers, in any one unit, or `Duration`s, but not both in one graph.
//!
//! # Environment variables
//!
//! | variable | effect |
//! | --- | --- |
//! | `AMPEG_WORKERS=4` | the number of workers if the program sets none: [`run_default`](Graph::run_default), [`PoolBuilder`] |
//! | `AMPEG_ALWAYS_ENCODE=1` | encodes and decodes every value, to find results that depend on the schedule: see [`values`] |
//! | `AMPEG_TRACE=trace.json` | writes the trace of each run to this file, for Perfetto: see [`watching`] |
//! | `AMPEG_OUTPUT=tagged` | begins each line that tasks print with the name of the task; `captured` prints nothing: see [`Output`] |
//! | `AMPEG_PROGRESS=1` | shows the progress of each run on stderr, with the cargo feature `progress`: see [`watching`] |
//! | `RUST_BACKTRACE=1` | prints panics in tasks, with a backtrace |
//! | `RUST_LOG=ampeg=debug` | with a logger such as `env_logger`, logs how workers start, end and are replaced |
//!
//! # How it works
//!
//! The macro turns the graph into one function with a branch for each task, a table of tasks, and the encoded captures.
//! A worker is this program, started again: before `main`, a constructor detects that the process is a worker, runs tasks
//! and never returns.
//! So no set-up call is needed, and graphs run in binaries, examples, tests and doc tests.
//! The graph is scheduled before it runs, by an earliest-finish-time method that is never worse than HEFT
//! ([`Policy::Fast`]).
//! Each worker receives its part of the schedule at once, and each task starts as soon as its inputs have arrived.
//! Large results are sent in shared memory.
//!
//! # Guarantees
//!
//! - The results equal those of running the tasks one after another; processes, costs and schedules do not change them.
//! - If a task fails, only the tasks that depend on it fail, too.
//! - [`run`](Graph::run) always returns. A crash, a killed worker, and an endless task with `within` each become a
//!   [`TaskError`].
//! - When a worker dies, a new worker takes over its tasks.
//!   It also computes again the results that these tasks need, except outputs. So a task may run more than once;
//!   its side effects, such as writing a file, must be safe to repeat.
//! - Workers never outlive the program, even if the program is killed. A worker that is stopped at that time ends when it
//!   is continued.
//!
//! Tasks share no memory. Each worker has its own copy of each `static`, with the value that constructors have set,
//! because workers never run `main`.
//! The output of tasks is passed on in whole lines before the run returns; their standard input is empty.
//! The page [`guarantees`] has the details.
//!
//! # Where it works
//!
//! `ampeg` is tested on Linux, and compiles for macOS and Windows.
//! A graph that runs on processes must be part of the executable, not of a dynamic library;
//! [`run_inline`](Graph::run_inline) and [threads](PoolBuilder::threads) also work in dynamic libraries.
//! With the cargo feature `before-main`, on by default, workers need no call in `main`; without the feature, a program
//! calls [`worker_process::enter`] first in `main`.
//! The feature `progress` is off by default, since it has dependencies for drawing on terminals.

extern crate self as ampeg;

mod declare;

#[doc(inline)]
pub use ampeg_macros::Values;
#[expect(deprecated, reason = "programs may still use the former name")]
#[doc(inline)]
pub use ampeg_runtime::Place;
#[doc(inline)]
pub use ampeg_runtime::{
    Attempt, Breakdown, Canceller, Cost, Death, Dependency, Error, ErrorKind, Event, Graph,
    IntoCost, Location, MeasuredCosts, Observer, Outcome, Output, Policy, Pool, PoolBuilder,
    ProcessorId, Processors, Report, Run, Schedule, Scheduler, Shared, SharedContents, Slot,
    Statement, TaskError, TaskErrorKind, TaskGraph, TaskGraphBuilder, TaskId, TaskValue, Time,
    Transfer, Values, schedule, worker_process,
};

#[cfg(any(doc, doctest))]
pub mod examples {
    //! The short programs of the folder `examples`.
    //!
    //! `cargo run --release --example quick_start` runs the first.
    //! Longer programs are only in the folder, such as `seattle_weather`, which analyses four years of real weather in
    //! unequal steps, and `overhead`, which measures the cost of processes on a machine.
    //!
    //! # Quick start
    //!
    //! ```
    #![doc = include_str!("../examples/quick_start.rs")]
    //! ```
    //!
    //! # A task that aborts
    //!
    //! ```
    #![doc = include_str!("../examples/crash.rs")]
    //! ```
    //!
    //! # Failures as values
    //!
    //! ```
    #![doc = include_str!("../examples/failures.rs")]
    //! ```
    //!
    //! # Costs, measured and fed back
    //!
    //! ```
    #![doc = include_str!("../examples/measured_costs.rs")]
    //! ```
}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/values.md")]
pub mod values {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/patterns.md")]
pub mod patterns {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/watching.md")]
pub mod watching {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/troubleshooting.md")]
pub mod troubleshooting {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/design.md")]
pub mod design {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;

pub mod messages {
    //! Types that rustc names in its messages about a `graph!`, and that programs do not use.
    //!
    //! They are public so that rustc writes these short names.
    //! A body runs in another process, so for rustc it is a `fn` from [`Inputs`] to `Result<_, Failure>`:
    //! it can use inputs and captured values, and call functions.
    //! If a variable holds a closure without captures, `(f)(x)` captures the variable `f` and calls the closure.

    /// The value of a task's name in a place where no task can be used.
    pub const TASK: () = ();

    pub use ampeg_runtime::generated::probe::{CaptureByCopy, ProbeSharedState};
    pub use ampeg_runtime::generated::{
        Call, Capture, Failure, ForgottenQuestionMark, IndexNumber, IndexRange, Inputs, IntoCount,
        IntoDuration, IntoIndex, IsTheValue, List, Site, Type, ValueOf,
    };
}

#[doc(hidden)]
pub mod __private {
    //! Names for generated code. Not public: they change without notice.

    pub use ampeg_macros::graph;
    pub use ampeg_runtime::generated::*;
}
