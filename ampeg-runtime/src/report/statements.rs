//! Sums of times and costs over the tasks of each statement.

use super::Report;
use super::costs::family;
use ampeg_schedule::TaskId;
use std::collections::BTreeMap;
use std::time::Duration;

/// The tasks of one statement, with the times of their last attempts.
#[derive(Debug)]
pub(super) struct Sums {
    /// The name of the statement, without indices.
    pub(super) name: String,
    /// The computation time of each task that succeeded, shortest first.
    times: Vec<Duration>,
    /// The sum of the declared costs of these tasks.
    declared: f64,
    /// The declared cost of each of these tasks, if all are equal.
    same_cost: Option<f64>,
}

impl Sums {
    pub(super) fn n_tasks(&self) -> usize {
        self.times.len()
    }

    pub(super) fn total(&self) -> Duration {
        self.times.iter().sum()
    }

    pub(super) fn least(&self) -> Duration {
        self.times.first().copied().unwrap_or_default()
    }

    pub(super) fn median(&self) -> Duration {
        let middle = self.times.get(self.times.len() / 2);
        middle.copied().unwrap_or_default()
    }

    pub(super) fn most(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }

    /// The time of the tasks as a multiple of their costs, if a unit of cost is `unit` seconds; none if the costs are
    /// zero.
    pub(super) fn factor(&self, unit: f64) -> Option<f64> {
        let planned = self.declared * unit;
        (planned > 0.0).then(|| self.total().as_secs_f64() / planned)
    }

    /// The error of the costs in seconds.
    pub(super) fn error(&self, unit: f64) -> f64 {
        (self.total().as_secs_f64() - self.declared * unit).abs()
    }

    /// The advice for costs that are wrong.
    pub(super) fn advice(&self, unit: f64) -> String {
        let name = &self.name;
        let n_tasks = u32::try_from(self.n_tasks()).unwrap_or(u32::MAX);
        let right = self.total().as_secs_f64() / unit / f64::from(n_tasks);
        match (self.factor(unit), self.same_cost) {
            (Some(factor), Some(_)) => format!(
                "`{name}` took {} × its cost: declare {}",
                digits(factor),
                digits(right)
            ),
            (Some(factor), None) => format!(
                "`{name}` took {} × its costs: multiply them by that",
                digits(factor)
            ),
            (None, _) => format!("`{name}` has the cost 0: declare {}", digits(right)),
        }
    }
}

/// Rounds to two significant digits.
fn digits(value: f64) -> String {
    if value <= 0.0 || !value.is_finite() {
        return "0".into();
    }
    let scale = value.log10().floor();
    let step = 10_f64.powf(scale - 1.0);
    let rounded = (value / step).round() * step;
    let places = (1.0 - rounded.log10().floor()).clamp(0.0, 12.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is from 0 to 12"
    )]
    let text = format!("{rounded:.*}", places as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

impl Report {
    /// The statements with tasks that succeeded, by decreasing time.
    pub(super) fn statements(&self) -> Vec<Sums> {
        let mut by_name: BTreeMap<String, Sums> = BTreeMap::new();
        for (task, time) in self.measured() {
            let name = family(self.graph.name(task));
            let cost = self.graph.mean_cost(task);
            let sums = by_name.entry(name.clone()).or_insert_with(|| Sums {
                name,
                times: Vec::new(),
                declared: 0.0,
                same_cost: Some(cost),
            });
            sums.times.push(time);
            sums.declared += cost;
            sums.same_cost = sums.same_cost.filter(|&same| same == cost);
        }
        let mut statements: Vec<Sums> = by_name.into_values().collect();
        for sums in &mut statements {
            sums.times.sort_unstable();
        }
        statements.sort_by_key(|sums| std::cmp::Reverse(sums.total()));
        statements
    }

    /// The tasks that succeeded, with their computation times.
    fn measured(&self) -> impl Iterator<Item = (TaskId, Duration)> {
        self.graph.task_ids().filter_map(|task| {
            let attempt = self.attempt(task).filter(|it| it.succeeded)?;
            Some((task, attempt.computation()))
        })
    }

    /// The seconds of a unit of cost: a weighted median over tasks, so that a few wrong costs do not change it.
    ///
    /// The weight of a task is the geometric mean of its cost and its time. So a task that is long but has a small
    /// cost, or the reverse, has little weight.
    ///
    /// None if no task that succeeded has a cost.
    pub(super) fn unit(&self) -> Option<f64> {
        let costs = self.measured().filter_map(|(task, time)| {
            let cost = self.graph.mean_cost(task);
            let time = time.as_secs_f64();
            (cost > 0.0).then(|| (time / cost, (time * cost).sqrt()))
        });
        let mut units: Vec<_> = costs.collect();
        units.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = units.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
        let mut sum = 0.0;
        let median = units.iter().find(|(_, weight)| {
            sum += weight;
            sum >= half
        });
        median.map(|(unit, _)| *unit).filter(|unit| *unit > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_are_kept() {
        let cases = [
            (15.5, "16"),
            (3.06, "3.1"),
            (0.0123, "0.012"),
            (1200.0, "1200"),
            (0.999, "1"),
            (2.0, "2"),
            (0.0, "0"),
            (f64::INFINITY, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
    }
}
