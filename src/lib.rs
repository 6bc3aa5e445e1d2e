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
//! Each statement is a task, and a name of a task in the body of another is a dependency.
//! The compiler checks the graph: a cycle, a name that does not exist and a type that does not fit are compile errors
//! at the token concerned.
//! A schedule made before the run says where and when each task runs, and workers send results straight to the workers
//! that need them.
//!
//! It is made for pipelines of expensive, unequal steps in one program, and above all for steps that should not share
//! a process: code that is not thread-safe, keeps global state, leaks, or may abort.
//!
//! Whole programs are in [`examples`].
//!
//! # The main types
//!
//! | | |
//! | --- | --- |
//! | [`graph!`] | declares a graph, as an expression of type [`Graph`], or as a function that returns one |
//! | [`Graph`] | is run: [`run`](Graph::run) on processes, [`run_inline`](Graph::run_inline) in this thread; scheduled: [`schedule`](Graph::schedule); drawn: [`to_dot`](Graph::to_dot) |
//! | [`Pool`] | keeps worker processes between runs; [`Pool::builder`] has its settings, [`Pool::start`] gives a [`Run`] that can be cancelled |
//! | [`macro@Values`] | is derived for a struct that holds the values of a graph: `Graph<Fit>` is a type with a name |
//! | [`Outcome`] | what a run returns: a struct with one `Result` per output, as fields in the names of the graph, and the report; [`into_values`](Outcome::into_values) returns all plain values or the first failure |
//! | [`TaskError`] | says why one task has no result, and what its [`TaskErrorKind`] is |
//! | [`Report`] | compares planned and observed times, task by task, and measures costs that the next schedule can use |
//! | [`Event`] | something that happened in a run, which [`PoolBuilder::observe`] sends to an [`Observer`] |
//! | [`Error`] | says why a graph could not be run at all |
//! | [`TaskGraph`], [`schedule`] | tasks, dependencies and costs without code, and what makes schedules of them; they can be used without the macro |
//!
//! # Writing a graph
//!
//! A task is a `move` closure that runs elsewhere.
//! Its body is any expression, and what it names decides what it needs:
//! - the name of a task is a dependency; tasks may stand in any order;
//! - any other local variable is captured: serialized where the graph stands, and sent to the workers that need it;
//! - functions, constants, types and paths are what they are anywhere else;
//!   `fn` pointers and closures that use no variables can be captured.
//!
//! A task hides a variable of its name, also in its own body: `x = f(x)` is a cycle, not a capture.
//! A body that never returns, as `loop` or `abort()`, needs a type: `x: u8 = abort();`.
//!
//! A bare dependency, as in `add(a, b)`, is passed by value, and cloned only if somebody else needs it too.
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
//! - `@` is the computation cost of a task and `via` the communication cost of its dependencies, all in one unit;
//!   without them, a task costs 1 and a dependency 0.
//!   Costs decide where tasks run, never what comes out.
//! - `within` bounds the time of a body, and `retry` says how many more times the task is tried.
//! - With `pub` on some tasks these are the outputs, and the results of all others never leave the workers.
//! - `?` fails the task with any error that converts into a boxed error, and a panic fails it as well.
//! - A result is any type with serde's `Serialize` and `Deserialize` that owns its data; `&'static str` may be in it.
//!   Which types that are, and what is not the same after a journey, is in [`values`].
//!   A task whose value is a `Result` is taken for one without its `?`, unless its type is written: `a: Result<T, E> = …`.
//! - Costs are numbers, in any one unit, or `Duration`s, but not both in one graph.
//!
//! # Environment variables
//!
//! | variable | effect |
//! | --- | --- |
//! | `AMPEG_WORKERS=4` | the number of workers where the program sets none: [`run_default`](Graph::run_default), [`PoolBuilder`] |
//! | `AMPEG_ALWAYS_ENCODE=1` | every value is encoded and decoded, to find values that depend on the schedule: see [`values`] |
//! | `AMPEG_TRACE=trace.json` | each run writes its trace to this file, for Perfetto: see [`watching`] |
//! | `RUST_BACKTRACE=1` | a panic in a task is printed, with a backtrace |
//! | `RUST_LOG=ampeg=debug` | with a logger such as `env_logger`: how workers start, end and are replaced |
//!
//! # How it works
//!
//! The macro turns the graph into one function with an arm for each task, a table of tasks, and the encoded captures.
//! A worker is this program, started again: a constructor sees, before `main`, that the process is meant as a worker,
//! takes tasks and never returns.
//! So nothing has to be called first, and graphs run in binaries, examples, tests and doc tests alike.
//! The graph is scheduled before it runs, by an earliest-finish-time method that is never worse than HEFT
//! ([`Policy::Fast`]).
//! Workers get their share of the schedule at once, and each task starts as soon as its inputs are there.
//! Large results travel in shared memory.
//!
//! # What is promised
//!
//! - The values are those of evaluating the tasks one after another; processes, costs and schedules change nothing.
//! - One failure stops nothing that does not depend on it, and [`run`](Graph::run) returns whatever dies:
//!   a crash, a killed worker, and a task without end under `within` all become a [`TaskError`].
//! - When a worker dies, a new one takes over its tasks.
//!   Results that these need and that are no outputs are computed again, so a task may run more than once;
//!   its side effects, such as writing a file, must be safe to repeat.
//! - No process outlives the program, even if that is killed; a worker that is stopped at that time ends when it is
//!   continued.
//!
//! What is not: tasks share no memory. A `static` has its own value in each worker, what a task changes in it stays
//! there, and it starts from what constructors set, since workers never run `main`.
//! What tasks print is passed on in whole lines before the run returns; their standard input is empty.
//!
//! # Where it works
//!
//! It is tested on Linux; for macOS and Windows it compiles.
//! A graph must stand in the executable itself, not in a dynamic library that it loads;
//! [`run_inline`](Graph::run_inline) and [threads](PoolBuilder::threads) work there too.
//! The cargo feature `before-main`, on by default, makes workers by themselves; without it, a program calls
//! [`worker_process::enter`] first in `main`.

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
    IntoCost, Location, MeasuredCosts, Observer, Outcome, Policy, Pool, PoolBuilder, ProcessorId,
    Processors, Report, Run, Schedule, Scheduler, Shared, SharedContents, Slot, Statement,
    TaskError, TaskErrorKind, TaskGraph, TaskGraphBuilder, TaskId, TaskValue, Time, Transfer,
    Values, schedule, worker_process,
};

#[cfg(any(doc, doctest))]
pub mod examples {
    //! The short programs of the folder `examples`, whole.
    //!
    //! `cargo run --release --example quick_start` runs the first.
    //! Two longer ones are in the folder only: `seattle_weather`, which takes four years of real weather through a
    //! pipeline of unequal steps, and `overhead`, which measures what processes cost on a machine.
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
    //! Types that no program names, but rustc does in its messages about a `graph!`.
    //!
    //! They stand here so that it calls them by these names.
    //! A body is for rustc a `fn` from [`Inputs`] to `Result<_, Failure>`, since it runs in another process:
    //! it can use what is sent there, and call functions, but no variable around the graph.
    //! To call a closure that is in a variable and captures nothing, put it in parentheses, which sends it: `(f)(x)`.

    /// What a task's name stands for where no task can be used.
    pub const TASK: () = ();

    pub use ampeg_runtime::generated::probe::{CaptureByCopy, ProbeSharedState};
    pub use ampeg_runtime::generated::{
        Call, Capture, Failure, ForgottenQuestionMark, IndexNumber, IndexRange, Inputs, IntoCount,
        IntoDuration, IntoIndex, IsTheValue, List, Site, Type, ValueOf,
    };
}

#[doc(hidden)]
pub mod __private {
    //! What generated code names. Not public: it changes without notice.

    pub use ampeg_macros::graph;
    pub use ampeg_runtime::generated::*;
}
