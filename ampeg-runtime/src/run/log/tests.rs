//! Checks properties of the events of every run, with random graphs that fail in every way.

use super::*;
use crate::api::pool::Pool;
use crate::definition::Limits;
use crate::report::Report;
use crate::testing::{Action, Deadline, Node, random_costs, random_nodes, with_limits};
use ampeg_schedule::TaskId;
use std::path::Path;
use std::sync::Mutex;

/// Checks the order of events, and keeps what the report must contain.
#[derive(Debug, Default)]
struct Checked {
    log: Log,
    /// The attempts that have begun and not ended.
    begun: Vec<(ProcessorId, TaskId, u32)>,
    is_running: bool,
    n_runs: usize,
}

impl Checked {
    fn end(&mut self, attempt: &Attempt) {
        let ended = (attempt.worker, attempt.task, attempt.number);
        let place = self.begun.iter().position(|begun| *begun == ended);
        self.begun
            .swap_remove(place.unwrap_or_else(|| panic!("{attempt:?} ends before it begins")));
    }

    fn on_event(&mut self, event: &Event<'_>) {
        assert_eq!(
            self.is_running,
            !matches!(event, Event::RunBegan { .. }),
            "{event:?}"
        );
        match *event {
            Event::RunBegan { .. } => {
                *self = Self {
                    is_running: true,
                    n_runs: self.n_runs + 1,
                    ..Self::default()
                };
            }
            Event::TaskBegan {
                task,
                id,
                worker,
                attempt,
                ..
            } => {
                assert_eq!(task, format!("node{id}"));
                self.begun.push((worker, id, attempt));
            }
            Event::TaskEnded { attempt, .. } => {
                assert!(attempt.succeeded);
                self.end(attempt);
                self.log.attempts.push(attempt.clone());
            }
            Event::TaskFailed { attempt, .. } => {
                assert!(!attempt.succeeded);
                self.end(attempt);
                self.log.attempts.push(attempt.clone());
            }
            Event::WorkerDied { death, .. } => {
                self.begun.retain(|&(worker, ..)| worker != death.worker);
                self.log.deaths.push(death.clone());
            }
            Event::ResultMoved { transfer, .. } => self.log.transfers.push(transfer.clone()),
            Event::WorkerStarted { .. } => {}
            Event::RunEnded { duration, .. } => {
                self.is_running = false;
                self.log.duration = duration;
            }
        }
    }

    fn check(&self, n_runs: usize, report: &Report) {
        assert!(!self.is_running);
        assert_eq!(self.n_runs, n_runs);
        assert_eq!(self.log.attempts, report.attempts());
        assert_eq!(self.log.transfers, report.transfers());
        assert_eq!(self.log.deaths, report.deaths());
        assert_eq!(self.log.duration, report.duration());
    }
}

/// A random graph in which some tasks fail. With processes, some tasks also kill their worker.
fn hazardous(random: &mut fastrand::Rng, folder: &Path, round: u32) -> Vec<Node> {
    let n_tasks = random.usize(0..25);
    let mut nodes = random_nodes(random, n_tasks, 100_000);
    for (index, node) in nodes.iter_mut().enumerate() {
        let file = folder.join(format!("{round}-{index}"));
        let file = file.to_str().unwrap().to_owned();
        node.action = match random.usize(0..12) {
            0 => Action::Fail,
            1 => Action::Panic,
            2 => Action::AbortOnce(file),
            3 => Action::Once(file, Box::new(Action::Fail)),
            4 => Action::Take(Duration::from_millis(30)),
            _ => Action::Compute,
        };
    }
    nodes
}

#[test]
fn attempts_begin_before_they_end_and_reports_hold_the_events() {
    let _deadline = Deadline::seconds("events", 300);
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(161);
    for workers in 1..=3 {
        let checked = Arc::new(Mutex::new(Checked::default()));
        let observer = Arc::clone(&checked);
        // A panic of an observer does not affect the run. It poisons the lock, so the test fails later.
        let observer = Arc::new(move |event: &Event<'_>| observer.lock().unwrap().on_event(event));
        let mut n_runs = 0;
        let mut check = |report: &Report| {
            n_runs += 1;
            checked.lock().unwrap().check(n_runs, report);
        };
        let builder = Pool::builder().observe(Arc::clone(&observer));
        let pool = builder.clone().processes(workers).build().unwrap();
        let threads = builder.threads(workers).build().unwrap();
        for round in 0..8 {
            let retry = random.u32(0..3);
            let limits = |_| Limits {
                retry,
                ..Limits::default()
            };
            let mut nodes = hazardous(&mut random, folder.path(), round);
            let costs = random.u64(..);
            let graph = with_limits(&nodes, random_costs(costs), limits);
            check(pool.run(&graph).unwrap().report());
            for node in &mut nodes {
                if let Action::AbortOnce(_) = node.action {
                    node.action = Action::Compute;
                }
            }
            let graph = with_limits(&nodes, random_costs(costs), limits);
            check(threads.run(&graph).unwrap().report());
            let outcome = graph.run_inline_with(Arc::clone(&observer));
            check(outcome.unwrap().report());
        }
    }
}
