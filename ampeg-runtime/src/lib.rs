//! The runtime of [`ampeg`](https://docs.rs/ampeg): from a task graph to a schedule, a plan, worker processes, and results.

mod cost;
mod error;
mod graph;
mod id;

pub use cost::{Cost, IntoCost, Time};
pub use error::Error;
pub use graph::{Dependency, TaskGraph, TaskGraphBuilder};
pub use id::{ProcessorId, TaskId};
