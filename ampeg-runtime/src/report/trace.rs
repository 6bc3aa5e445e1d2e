//! A run and its plan as a trace in the JSON format of Chrome and Perfetto.

use super::Report;
use crate::run::event::{Attempt, Transfer};
use ampeg_schedule::{ProcessorId, Schedule, TaskId};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The numbers of the groups of a trace.
const PLAN: u32 = 1;
const RUN: u32 = 2;

impl Report {
    /// The run and its plan as a trace, which <https://ui.perfetto.dev> and `chrome://tracing` can show.
    ///
    /// The group `run` has a line for each worker with its attempts, an arrow for each result that moved, and a mark
    /// for each retry and each death. The group `plan` has the schedule, if the run followed one. The planned times
    /// are scaled by the time that a unit of cost took in this run.
    ///
    /// ```
    /// let outcome = ampeg::graph! { a = 1; b = a + 1; }.run_inline()?;
    /// let trace: serde_json::Value = serde_json::from_str(&outcome.report().to_trace())?;
    /// let events = trace["traceEvents"].as_array().unwrap();
    /// assert!(events.iter().any(|event| event["ph"] == "X" && event["name"] == "a"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_trace(&self) -> String {
        let mut events = Vec::new();
        if let Some(schedule) = self.schedule() {
            self.add_plan(&mut events, schedule);
        }
        self.add_run(&mut events);
        json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
    }

    fn add_plan(&self, events: &mut Vec<Value>, schedule: &Schedule) {
        let scale = 1e6 * self.unit().unwrap_or(1.0);
        let span = |task| {
            let slot = schedule.slot(task);
            Span {
                group: PLAN,
                worker: slot.processor,
                start: slot.start.value() * scale,
                finish: slot.finish.value() * scale,
            }
        };
        add_names(events, PLAN, "plan", schedule.processors().ids());
        for task in self.graph.task_ids() {
            let name = self.graph.name(task);
            let args = json!({ "cost": self.graph.mean_cost(task) });
            events.push(span(task).slice(name, "planned", &args));
            for successor in self.graph.successors(task) {
                let (from, to) = (span(task), span(successor.task));
                if from.worker != to.worker {
                    add_arrow(events, name, (from, from.finish), (to, to.start));
                }
            }
        }
    }

    fn add_run(&self, events: &mut Vec<Value>) {
        let workers = self.attempts().iter().map(|it| it.worker);
        let deaths = self.deaths().iter().map(|it| it.worker);
        let workers: BTreeSet<_> = workers.chain(deaths).collect();
        add_names(events, RUN, "run", workers);
        let mut by_task: HashMap<(TaskId, ProcessorId), Vec<&Attempt>> = HashMap::new();
        for attempt in self.attempts() {
            let span = Span::of(attempt);
            let name = self.graph.name(attempt.task);
            events.push(span.slice(
                name,
                if attempt.succeeded { "task" } else { "failed" },
                &json!({
                    "attempt": attempt.number,
                    "succeeded": attempt.succeeded,
                    "bytes": attempt.bytes,
                    "encoding ms": milliseconds(attempt.encoding),
                    "decoding ms": milliseconds(attempt.decoding),
                    "computation ms": milliseconds(attempt.computation()),
                }),
            ));
            if attempt.number > 1 {
                let text = format!("attempt {} at {name}", attempt.number);
                events.push(span.mark(&text, "retry", &json!({})));
            }
            let key = (attempt.task, attempt.worker);
            by_task.entry(key).or_default().push(attempt);
        }
        for death in self.deaths() {
            let at = microseconds(death.at);
            let span = Span {
                group: RUN,
                worker: death.worker,
                start: at,
                finish: at,
            };
            let args = json!({ "reason": death.reason });
            events.push(span.mark("worker died", "death", &args));
        }
        for transfer in self.transfers() {
            if let Some((from, to)) = self.ends(transfer, &by_task) {
                let name = self.graph.name(transfer.predecessor);
                let (sent, received) = (transfer.sent, transfer.received);
                let from = (Span::of(from), microseconds(sent));
                add_arrow(events, name, from, (Span::of(to), microseconds(received)));
            }
        }
    }

    /// The attempt that computed a result that moved, and the first attempt that used it; none if either was not
    /// reported.
    fn ends<'a>(
        &self,
        transfer: &Transfer,
        by_task: &HashMap<(TaskId, ProcessorId), Vec<&'a Attempt>>,
    ) -> Option<(&'a Attempt, &'a Attempt)> {
        let made = by_task.get(&(transfer.predecessor, transfer.from?))?.iter();
        let mut made = made.filter(|it| it.succeeded && it.start <= transfer.sent);
        let users = self.graph.successors(transfer.predecessor).iter();
        let users = users.filter_map(|user| by_task.get(&(user.task, transfer.to)));
        let users = users.flatten().filter(|it| it.finish >= transfer.received);
        Some((made.next_back()?, users.min_by_key(|it| it.start)?))
    }
}

/// The position of a mark or slice. Times are in microseconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    group: u32,
    worker: ProcessorId,
    start: f64,
    finish: f64,
}

impl Span {
    fn of(attempt: &Attempt) -> Self {
        Self {
            group: RUN,
            worker: attempt.worker,
            start: microseconds(attempt.start),
            finish: microseconds(attempt.finish),
        }
    }

    fn slice(&self, name: &str, category: &str, args: &Value) -> Value {
        json!({
            "ph": "X", "name": name, "cat": category, "pid": self.group, "tid": self.worker.index(),
            "ts": self.start, "dur": self.finish - self.start, "args": args,
        })
    }

    fn mark(&self, name: &str, category: &str, args: &Value) -> Value {
        json!({
            "ph": "i", "s": "t", "name": name, "cat": category, "pid": self.group,
            "tid": self.worker.index(), "ts": self.start, "args": args,
        })
    }

    /// The nearest time inside the slice. An arrow whose end is outside is not attached to the slice.
    fn inside(&self, time: f64) -> f64 {
        let margin = ((self.finish - self.start) / 2.0).min(1.0);
        time.clamp(self.start, self.finish - margin)
    }
}

fn add_names(
    events: &mut Vec<Value>,
    group: u32,
    name: &str,
    workers: impl IntoIterator<Item = ProcessorId>,
) {
    events.push(json!({
        "ph": "M", "name": "process_name", "pid": group, "tid": 0, "args": { "name": name },
    }));
    events.push(json!({
        "ph": "M", "name": "process_sort_index", "pid": group, "tid": 0, "args": { "sort_index": group },
    }));
    for worker in workers {
        events.push(json!({
            "ph": "M", "name": "thread_name", "pid": group, "tid": worker.index(),
            "args": { "name": format!("worker {worker}") },
        }));
    }
}

/// An arrow from a time in one slice to a time in another.
fn add_arrow(events: &mut Vec<Value>, name: &str, from: (Span, f64), to: (Span, f64)) {
    // The number of events so far is a unique id of the arrow.
    let id = events.len();
    let start = from.0.inside(from.1);
    let ends = [
        ("s", from.0, start),
        ("f", to.0, to.0.inside(to.1).max(start)),
    ];
    for (phase, span, time) in ends {
        events.push(json!({
            "ph": phase, "bp": "e", "id": id, "name": name, "cat": "result", "pid": span.group,
            "tid": span.worker.index(), "ts": time,
        }));
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use crate::report::Report;
    use crate::run::log::{Events, Observers};
    use crate::run::message::{AttemptReport, Observed};
    use ampeg_schedule::{Policy, ProcessorId, Processors, Scheduler, TaskGraph, TaskId};
    use serde_json::Value;
    use std::sync::Arc;

    #[test]
    fn names_are_unchanged_and_times_are_numbers() {
        let names = [
            "a \"quoted\" </script>\n\tname \\".to_owned(),
            "größe[\u{1F980}]".to_owned(),
            "x".repeat(200),
        ];
        let mut builder = TaskGraph::builder();
        for name in &names {
            builder = builder.task(name.clone(), 0.0);
        }
        let graph = Arc::new(builder.build().unwrap());
        let two = Processors::new(2).unwrap();
        let schedule = Policy::Heft.schedule(&graph, &two).unwrap();
        let mut events = Events::begin(&graph, None, 2, Observers::default(), 0);
        for index in 0..names.len() {
            let report = AttemptReport {
                run: 1,
                task: TaskId::new(index),
                attempt: 1,
                result: Ok(None),
                will_retry: false,
                epoch: 0,
                observed: Observed::between(0, 0),
            };
            events.task_ends(ProcessorId::new(0), &report);
        }
        let report = Report::new(&graph, Arc::new(schedule), events.end(0).0);
        let trace: Value = serde_json::from_str(&report.to_trace()).unwrap();
        let slices = trace["traceEvents"].as_array().unwrap().iter();
        let slices: Vec<_> = slices.filter(|event| event["ph"] == "X").collect();
        assert_eq!(slices.len(), 2 * names.len());
        for (slice, name) in slices.iter().zip(names.iter().cycle()) {
            assert_eq!(slice["name"], name.as_str());
            assert!(slice["ts"].is_f64() && slice["dur"].is_f64(), "{slice}");
        }
    }

    #[test]
    fn run_without_tasks_has_a_trace() {
        let graph = Arc::new(TaskGraph::builder().build().unwrap());
        let events = Events::begin(&graph, None, 1, Observers::default(), 0);
        let report = Report::inline(&graph, events.end(0).0);
        assert!(serde_json::from_str::<Value>(&report.to_trace()).is_ok());
    }
}
