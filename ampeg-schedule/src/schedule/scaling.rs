//! The makespans of a graph on different numbers of processors: [`Scaling`].

use super::{LowerBounds, Processors, Scheduler};
use crate::base::error::Error;
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::{Time, count};
use std::fmt;

/// The makespans of a graph on 1, 2, 3, … equal processors, computed without running it.
///
/// `Display` writes a table.
///
/// ```
/// use ampeg::TaskGraph;
/// use ampeg::schedule::{Policy, Scaling};
///
/// let mut builder = TaskGraph::builder();
/// for index in 0..6 {
///     builder = builder.task(index, 10);
/// }
/// let scaling = Scaling::new(&builder.build()?, 8, &Policy::Fast)?;
/// assert_eq!(scaling.rows()[1].makespan.value(), 30.0);
/// assert_eq!(scaling.processors_within(0.05), 6);
/// # Ok::<(), ampeg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    rows: Vec<ScalingRow>,
}

/// The makespan of a graph on one number of processors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalingRow {
    /// The number of processors; some may be idle.
    pub n_processors: usize,
    /// The makespan.
    pub makespan: Time,
    /// A lower bound on the makespan of every schedule.
    pub lower_bound: Time,
    /// The makespan on one processor, divided by this makespan.
    pub speed_up: f64,
    /// The share of the processors' time in which they run tasks.
    pub utilization: f64,
}

impl Scaling {
    /// Schedules `graph` on 1 to `max` equal processors.
    ///
    /// Added processors may stay idle, so the makespan never grows with their number.
    ///
    /// # Errors
    ///
    /// If `max` is zero, or if `graph` has costs for several processors, but for fewer than `max`.
    pub fn new(graph: &TaskGraph, max: usize, scheduler: &impl Scheduler) -> Result<Self, Error> {
        Processors::new(max)?;
        let mut rows: Vec<ScalingRow> = Vec::new();
        for n_processors in 1..=max {
            let processors = Processors::new(n_processors)?;
            let schedule = scheduler.schedule(graph, &processors)?;
            let bounds = LowerBounds::new(graph, &processors)?;
            let work = schedule.utilization() * count(n_processors) * schedule.makespan().value();
            let before = rows.last().map(|row| {
                (
                    row.makespan,
                    row.utilization * count(row.n_processors) * row.makespan.value(),
                )
            });
            let now = (schedule.makespan(), work);
            let (makespan, work) = before.filter(|before| before.0 <= now.0).unwrap_or(now);
            let alone = rows.first().map_or(makespan, |row| row.makespan);
            rows.push(ScalingRow {
                n_processors,
                makespan,
                lower_bound: bounds.best().min(makespan),
                speed_up: ratio(alone.value(), makespan.value()),
                utilization: ratio(work, makespan.value() * count(n_processors)),
            });
        }
        Ok(Self { rows })
    }

    /// One row per number of processors, from 1 on.
    pub fn rows(&self) -> &[ScalingRow] {
        &self.rows
    }

    /// The least number of processors whose makespan exceeds the best by at most this share: 0.05 for 5 %.
    pub fn processors_within(&self, tolerance: f64) -> usize {
        let best = self.rows[self.rows.len() - 1].makespan.value();
        let enough = |row: &&ScalingRow| row.makespan.value() <= best * (1.0 + tolerance);
        let row = self.rows.iter().find(enough);
        row.map_or(self.rows.len(), |row| row.n_processors)
    }

    /// The former name of [`processors_within`](Self::processors_within).
    #[deprecated(since = "0.1.0", note = "write `processors_within`")]
    pub fn worth(&self, tolerance: f64) -> usize {
        self.processors_within(tolerance)
    }
}

/// A ratio of times; 1 if the second is zero.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 1.0 } else { a / b }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("processors    makespan       bound  speed-up  busy")?;
        for row in &self.rows {
            let (n, makespan, bound) = (row.n_processors, row.makespan, row.lower_bound);
            let (makespan, bound) = (makespan.value(), bound.value());
            let (speed_up, percent) = (row.speed_up, 100.0 * row.utilization);
            write!(
                f,
                "\n{n:>10}  {makespan:>10.3}  {bound:>10.3}  {speed_up:>8.2}  {percent:>3.0}%"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Policy;

    #[test]
    fn chain_is_worth_one_processor() {
        let graph = TaskGraph::builder()
            .task("a", 1)
            .task("b", 1)
            .dependency("a", "b", 1)
            .build()
            .unwrap();
        let scaling = Scaling::new(&graph, 3, &Policy::Heft).unwrap();
        assert_eq!(scaling.processors_within(0.0), 1);
        assert_eq!(scaling.rows()[2].speed_up, 1.0);
        assert_eq!(scaling.rows()[1].utilization, 0.5);
        let last = "\n         3       2.000       2.000      1.00   33%";
        assert!(scaling.to_string().ends_with(last));
        assert!(Scaling::new(&graph, 0, &Policy::Heft).is_err());
    }
}
