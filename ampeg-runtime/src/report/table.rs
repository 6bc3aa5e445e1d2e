//! A report as a text table.

use super::Report;
use ampeg_schedule::TaskId;
use std::fmt;
use std::time::Duration;

struct Table<'a>(&'a Report);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_table(f)
    }
}

impl Report {
    /// A table of all measurements: a line for each task in the order of their starts, and a line for each transfer,
    /// in milliseconds. Planned times are in the unit of the costs.
    pub fn to_table(&self) -> String {
        Table(self).to_string()
    }

    fn write_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = |task: &TaskId| self.attempt(*task).map(|attempt| attempt.start);
        let mut tasks: Vec<_> = self.graph.task_ids().collect();
        tasks.sort_by_key(|task| (ran(task).is_none(), ran(task)));
        let names = tasks
            .iter()
            .map(|&task| self.graph.name(task).chars().count());
        let width = names.max().unwrap_or(0).max("task".len());
        writeln!(
            f,
            "{:width$}  worker  planned start  finish  observed start ms  finish ms     bytes",
            "task"
        )?;
        for task in tasks {
            self.write_task(f, task, width)?;
        }
        for transfer in self.transfers() {
            let from = transfer
                .from
                .map_or_else(|| "coordinator".into(), |from| format!("worker {from}"));
            writeln!(
                f,
                "`{}` from {from} to worker {}: {} bytes in {:.3} ms, read in {:.3} ms",
                self.graph.name(transfer.predecessor),
                transfer.to,
                transfer.bytes,
                milliseconds(transfer.received.saturating_sub(transfer.sent)),
                milliseconds(transfer.decoding),
            )?;
        }
        for death in self.deaths() {
            let (worker, at, reason) = (death.worker, milliseconds(death.at), &death.reason);
            writeln!(f, "worker {worker} died at {at:.3} ms: {reason}")?;
        }
        self.write_head(f)
    }

    fn write_task(&self, f: &mut fmt::Formatter<'_>, task: TaskId, width: usize) -> fmt::Result {
        let slot = self.schedule().map(|schedule| schedule.slot(task));
        let attempt = self.attempt(task);
        let worker = attempt
            .map(|attempt| attempt.worker)
            .or(slot.map(|slot| slot.processor));
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let planned = |time: f64| format!("{time:.3}");
        let observed = |time: Duration| format!("{:.3}", milliseconds(time));
        write!(
            f,
            "{:width$}  {:>6}  {:>13}  {:>6}  {:>17}  {:>9}  {:>8}",
            self.graph.name(task),
            or_dash(worker.map(|worker| worker.to_string())),
            or_dash(slot.map(|slot| planned(slot.start.value()))),
            or_dash(slot.map(|slot| planned(slot.finish.value()))),
            or_dash(attempt.map(|attempt| observed(attempt.start))),
            or_dash(attempt.map(|attempt| observed(attempt.finish))),
            or_dash(
                attempt
                    .and_then(|attempt| attempt.bytes)
                    .map(|bytes| bytes.to_string())
            ),
        )?;
        match attempt {
            None => writeln!(f, "  not run"),
            Some(attempt) if !attempt.succeeded => writeln!(f, "  failed"),
            Some(attempt) if attempt.number > 1 => writeln!(f, "  attempt {}", attempt.number),
            Some(_) => writeln!(f),
        }
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
