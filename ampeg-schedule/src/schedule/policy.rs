//! The choice of a scheduler, as a value.

use super::placer::Placement;
use super::problem::Problem;
use super::{LowerBounds, Processors, Schedule, Search, cpop, fast, heft, peft};
use crate::base::error::Error;
use crate::task_graph::TaskGraph;
use std::sync::Arc;

/// Makes schedules.
pub trait Scheduler {
    /// A valid schedule of `graph` on `processors`.
    ///
    /// The same arguments give the same schedule, unless the documentation of the scheduler says otherwise.
    /// A graph without tasks has a schedule with makespan 0.
    ///
    /// # Errors
    ///
    /// If `graph` has costs for several processors, but fewer than `processors` has.
    fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error>;
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<S: Scheduler + ?Sized> Scheduler for $pointer {
            fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
                (**self).schedule(graph, processors)
            }
        }
    )*};
}

pointers!(&S, Box<S>, Arc<S>);

/// The schedulers of ampeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Heterogeneous Earliest Finish Time.
    Heft,
    /// Critical Path on a Processor.
    Cpop,
    /// Predict Earliest Finish Time.
    Peft,
    /// The best of several list schedules, never worse than HEFT; at most ten times its time.
    #[default]
    Fast,
    /// Local search within a budget.
    Search(Search),
}

impl Scheduler for Policy {
    fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
        let problem = Problem::new(graph, processors)?;
        let placements = match self {
            Self::Heft => heft::heft(&problem),
            Self::Cpop => cpop::cpop(&problem),
            Self::Peft => peft::peft(&problem),
            Self::Fast => return Ok(bounded(&problem, fast::fast)),
            Self::Search(search) => {
                return Ok(bounded(&problem, |problem, bound| {
                    search.run(problem, bound)
                }));
            }
        };
        Ok(Schedule::from_placements(&problem, &placements))
    }
}

/// Runs an algorithm that uses the lower bound, and stores the bound in its schedule.
fn bounded(
    problem: &Problem<'_>,
    algorithm: impl FnOnce(&Problem<'_>, f64) -> Vec<Placement>,
) -> Schedule {
    let bound = LowerBounds::of(problem).best();
    let placements = algorithm(problem, bound.value());
    let mut schedule = Schedule::from_placements(problem, &placements);
    // The two are sums in different orders, so they may differ by rounding.
    schedule.lower_bound = Some(bound.min(schedule.makespan()));
    schedule
}
