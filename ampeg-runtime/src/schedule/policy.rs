//! Which scheduler to use, as a value.

use super::problem::Problem;
use super::{Processors, Schedule, heft};
use crate::error::Error;
use crate::graph::TaskGraph;

/// What makes schedules.
pub trait Scheduler {
    /// A valid schedule of `graph` on `processors`.
    ///
    /// Deterministic: the same arguments give the same schedule, unless the scheduler's own docs say otherwise.
    /// A graph without tasks has a schedule too, of makespan 0.
    ///
    /// # Errors
    ///
    /// If `graph` has costs for several processors, but fewer than there are in `processors`.
    fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error>;
}

/// The schedulers that ampeg has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Heterogeneous Earliest Finish Time.
    #[default]
    Heft,
}

impl Scheduler for Policy {
    fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
        let problem = Problem::new(graph, processors)?;
        Ok(match self {
            Self::Heft => heft::heft(&problem),
        })
    }
}
