//! The runtime of [`ampeg`](https://docs.rs/ampeg): from a task graph to a schedule, a plan, worker processes, and results.

mod error;
mod graph;
mod id;

pub use error::Error;
pub use id::{ProcessorId, TaskId};
