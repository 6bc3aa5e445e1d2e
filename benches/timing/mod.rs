//! Medians, ratios, and schedules that alternate between two workers, for all benchmarks.

#![allow(dead_code, reason = "not every benchmark needs all of it")]

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Error, Graph};
use std::time::{Duration, Instant};

/// The median time of `n` runs.
pub(crate) fn median(
    times: usize,
    mut run: impl FnMut() -> Result<(), Error>,
) -> Result<Duration, Error> {
    let once = || {
        let start = Instant::now();
        run().map(|()| start.elapsed())
    };
    let times = std::iter::repeat_with(once).take(times);
    Ok(middle(times.collect::<Result<Vec<_>, _>>()?))
}

/// The median of some times.
pub(crate) fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub(crate) fn ratio(time: Duration, other: Duration) -> f64 {
    time.as_secs_f64() / other.as_secs_f64()
}

/// A schedule by hand on two workers, with each task on another worker than the previous task.
pub(crate) fn apart<O>(graph: &Graph<O>) -> Result<Schedule, Error> {
    let tasks = graph.task_graph()?;
    let order = tasks.topological_order().iter().copied();
    let (even, odd): (Vec<_>, Vec<_>) = (0..).zip(order).partition(|(place, _)| place % 2 == 0);
    let lists = [even, odd].map(|list| list.into_iter().map(|(_, task)| task).collect());
    Schedule::from_order(tasks, &Processors::new(2)?, &lists)
}
