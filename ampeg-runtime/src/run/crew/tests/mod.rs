//! Injects faults into real processes. Whatever happens to workers, runs end, their values are right, and nothing is
//! left behind.

use super::*;
use crate::api::program::Graph;
use crate::testing::Blobs;

mod bars;
mod faulty;
mod hazards;
mod late;
mod outside;
mod points;
mod processes;
mod soak;
mod traces;

/// The bounds of a run that begins now.
fn bounds_of(time: Duration, cancelled: &AtomicBool) -> Bounds<'_> {
    Bounds {
        deadline: Timeout::begin(time),
        cancelled,
        max_failures: None,
        prints: true,
    }
}

/// The results of one run.
fn run(crew: &mut Crew, graph: &Graph<Blobs>, plan: &Arc<Plan>, bounds: Bounds<'_>) -> Blobs {
    let definition = graph.definition().unwrap();
    let (results, _) = crew.run(definition, plan, None, bounds).unwrap();
    crate::testing::outcome::results(definition, results).take_blobs()
}
