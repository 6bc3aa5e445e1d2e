//! A report in a few lines: the duration compared with the plan, the slowest statements, and advice.

use super::Report;
use super::statements::Sums;
use super::table::milliseconds;
use std::fmt;
use std::time::Duration;

/// The number of statements that are printed.
const MOST_STATEMENTS: usize = 5;
/// The number of wrong costs that are printed.
const MOST_ADVICE: usize = 3;
/// A cost is wrong if it is off by at least this factor.
const WRONG: f64 = 2.0;
/// A wrong cost is printed if its error is at least this share of the time of all tasks.
const MATTERS: f64 = 0.05;
/// The length to which names are cut.
const LONGEST_NAME: usize = 32;

impl fmt::Display for Report {
    /// Writes the duration of the run and of its plan, the five statements that took most time, and wrong costs.
    ///
    /// [`to_table`](Report::to_table) has a line for each task.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        let (statements, unit) = (self.statements(), self.unit());
        if !statements.is_empty() {
            write_statements(f, &statements, unit)?;
        }
        for line in unit.into_iter().flat_map(|unit| advice(&statements, unit)) {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}

impl Report {
    /// Writes the lines about the whole run, without the last line break.
    pub(super) fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run: {:.3} ms", milliseconds(self.duration()))?;
        if let Some(schedule) = self.schedule() {
            write!(f, " on {} worker(s)", schedule.n_processors())?;
            if let Some(unit) = self.unit() {
                let time = |time: f64| 1e3 * unit * time;
                write!(f, ", planned {:.3} ms", time(schedule.makespan().value()))?;
                if let Some(bound) = schedule.lower_bound() {
                    write!(f, ", at least {:.3} ms", time(bound.value()))?;
                }
                write!(f, " if a unit of cost is {:.3} ms", time(1.0))?;
            }
        }
        write!(f, "\n{}", self.breakdown())?;
        let attempts = || self.graph.task_ids().map(|task| self.attempt(task));
        let failed = attempts().flatten().filter(|it| !it.succeeded).count();
        let not_run = attempts().filter(Option::is_none).count();
        for (n, what) in [
            (failed, "task(s) failed"),
            (not_run, "task(s) did not run"),
            (self.deaths().len(), "worker(s) died"),
        ] {
            if n > 0 {
                write!(f, "\n{n} {what}")?;
            }
        }
        Ok(())
    }
}

fn write_statements(
    f: &mut fmt::Formatter<'_>,
    statements: &[Sums],
    unit: Option<f64>,
) -> fmt::Result {
    let shown = &statements[..statements.len().min(MOST_STATEMENTS)];
    let name = |sums: &Sums| cut(&sums.name);
    let widths = shown.iter().map(|sums| name(sums).chars().count());
    let width = widths.max().unwrap_or(0).max("statement".len());
    write!(
        f,
        "\n\n{:width$}  tasks  total ms       min    median       max  / cost",
        "statement"
    )?;
    for sums in shown {
        let ms = milliseconds;
        let factor = unit.and_then(|unit| sums.factor(unit));
        write!(
            f,
            "\n{:width$}  {:>5}  {:>8.3}  {:>8.3}  {:>8.3}  {:>8.3}  {:>6}",
            name(sums),
            sums.n_tasks(),
            ms(sums.total()),
            ms(sums.least()),
            ms(sums.median()),
            ms(sums.most()),
            factor.map_or_else(|| "-".into(), |factor| format!("{factor:.2}")),
        )?;
    }
    let others = &statements[shown.len()..];
    if !others.is_empty() {
        let total: Duration = others.iter().map(Sums::total).sum();
        let (n, total) = (others.len(), milliseconds(total));
        write!(f, "\nand {n} other statement(s): {total:.3} ms")?;
    }
    Ok(())
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let start = name.chars().take(LONGEST_NAME - 1);
    start.chain(['…']).collect()
}

/// Advice for the costs with the largest errors.
fn advice(statements: &[Sums], unit: f64) -> Vec<String> {
    let total: Duration = statements.iter().map(Sums::total).sum();
    let is_wrong = |sums: &&Sums| {
        let factor = sums.factor(unit).unwrap_or(f64::INFINITY);
        !(1.0 / WRONG..WRONG).contains(&factor) && sums.error(unit) >= MATTERS * total.as_secs_f64()
    };
    let mut wrong: Vec<&Sums> = statements.iter().filter(is_wrong).collect();
    wrong.sort_by(|a, b| b.error(unit).total_cmp(&a.error(unit)));
    let advice = wrong.into_iter().take(MOST_ADVICE);
    let mut lines: Vec<String> = advice.map(|sums| sums.advice(unit)).collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
        lines.push(
            "or schedule with all measured costs: `graph.with_costs(&report.measured_costs())`"
                .into(),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::report::Report;
    use crate::run::log::{Events, Observers};
    use crate::run::message::{AttemptReport, Observed};
    use ampeg_schedule::TaskGraph;
    use ampeg_schedule::{ProcessorId, TaskId};
    use std::sync::Arc;

    const MS: u64 = 1_000_000;

    /// The report of a run on one worker. Each task has a name, a cost, and the milliseconds that it took.
    fn report(tasks: &[(&str, f64, u64)]) -> Report {
        let mut builder = TaskGraph::builder();
        for &(name, cost, _) in tasks {
            builder = builder.task(name, cost);
        }
        let graph = Arc::new(builder.build().unwrap());
        let mut events = Events::begin(&graph, None, 1, Observers::default(), 0);
        let mut time = 0;
        for (index, &(.., took)) in tasks.iter().enumerate() {
            let (start, finish) = (time * MS, (time + took) * MS);
            let report = AttemptReport {
                run: 1,
                task: TaskId::new(index),
                attempt: 1,
                result: Ok(None),
                will_retry: false,
                epoch: 0,
                observed: Observed::between(start, finish),
            };
            events.task_ends(ProcessorId::new(0), &report);
            time += took;
        }
        Report::inline(&graph, events.end(time * MS).0)
    }

    #[test]
    fn members_of_a_family_are_one_line() {
        let tasks: Vec<String> = (0..360).map(|i| format!("image[{i}]")).collect();
        let tasks: Vec<_> = tasks.iter().map(|name| (name.as_str(), 1.0, 2)).collect();
        let report = report(&tasks);
        let text = report.to_string();
        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            [
                "",
                "statement  tasks  total ms       min    median       max  / cost",
                "image        360   720.000     2.000     2.000     2.000    1.00",
            ]
        );
        assert_eq!(report.to_table().matches("image[").count(), 360);
    }

    #[test]
    fn wrong_costs_are_named_with_the_right_ones() {
        let text = report(&[
            ("a", 10.0, 20),
            ("b", 20.0, 40),
            ("fit", 5.0, 31),
            ("free", 0.0, 30),
            ("x[0]", 1.0, 20),
            ("x[1]", 2.0, 20),
            ("last", 1.0, 2),
        ])
        .to_string();
        let (_, advice) = text
            .split_once("\nand 1 other statement(s): 2.000 ms\n\n")
            .unwrap();
        assert_eq!(
            advice.lines().collect::<Vec<_>>(),
            [
                "`x` took 6.7 × its costs: multiply them by that",
                "`free` has the cost 0: declare 15",
                "`fit` took 3.1 × its cost: declare 16",
                "or schedule with all measured costs: `graph.with_costs(&report.measured_costs())`",
            ]
        );
    }

    #[test]
    fn right_costs_and_empty_runs_need_no_advice() {
        let text = report(&[("a", 1.0, 20), ("b", 2.0, 40)]).to_string();
        assert!(text.ends_with("1.00"), "{text}");
        let text = report(&[]).to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        let text = report(&[("a", 0.0, 0)]).to_string();
        assert!(!text.contains("NaN"), "{text}");
    }
}
