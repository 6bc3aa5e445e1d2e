#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod base;
pub mod schedule;
mod task_graph;

pub use base::error::{Error, ErrorKind};
pub use base::id::{ProcessorId, TaskId};
pub use schedule::{
    Budget, Candidate, Explanation, LowerBounds, Policy, Processors, Scaling, ScalingRow, Schedule,
    Scheduler, Search, Slot,
};
pub use task_graph::cost::{Cost, IntoCost, Time};
pub use task_graph::{Dependency, TaskGraph, TaskGraphBuilder};

/// Additional items for the runtime of `ampeg`. They change without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::task_graph::GraphErrorKind;
    pub use crate::task_graph::cost::{EvaluatedCosts, GivenCost, Unit};
    pub use crate::task_graph::dot::escape;
}
