//! The model of a run, its text, and what is drawn of it.

use super::model::{Activity, Model};
use super::snapshot::Snapshot;
use super::text::last_line;
use crate::run::event::{Attempt, Death, Event};
use ampeg_schedule::{Policy, ProcessorId, Processors, Schedule, Scheduler, TaskGraph, TaskId};
use std::time::Duration;

mod display;
mod estimate;
mod simulation;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// An attempt on a worker that takes from one time to another.
fn attempt(task: TaskId, worker: ProcessorId, number: u32, (start, finish): (f64, f64)) -> Attempt {
    Attempt {
        task,
        worker,
        number,
        start: seconds(start),
        finish: seconds(finish),
        succeeded: true,
        bytes: None,
        encoding: Duration::ZERO,
        decoding: Duration::ZERO,
    }
}

/// A run whose events a test makes.
struct Told {
    model: Model,
    graph: TaskGraph,
    schedule: Schedule,
}

impl Told {
    fn new(graph: TaskGraph, n_workers: usize) -> Self {
        let processors = Processors::new(n_workers).unwrap();
        let schedule = Policy::default().schedule(&graph, &processors).unwrap();
        Self {
            model: Model::new(&graph, &schedule, n_workers),
            graph,
            schedule,
        }
    }

    fn at(&self, task: &str) -> (TaskId, ProcessorId) {
        let task = self.graph.find(task).unwrap();
        (task, self.schedule.slot(task).processor)
    }

    fn begins(&mut self, name: &str, number: u32, at: f64) {
        let (id, worker) = self.at(name);
        self.model.on_event(&Event::TaskBegan {
            task: name,
            id,
            worker,
            attempt: number,
            at: seconds(at),
        });
    }

    fn ends(&mut self, name: &str, (start, finish): (f64, f64)) {
        let (id, worker) = self.at(name);
        let attempt = &attempt(id, worker, 1, (start, finish));
        self.model.on_event(&Event::TaskEnded {
            task: name,
            attempt,
        });
    }

    fn fails(&mut self, name: &str, will_retry: bool, (start, finish): (f64, f64)) {
        let (id, worker) = self.at(name);
        self.model.on_event(&Event::TaskFailed {
            task: name,
            attempt: &attempt(id, worker, 1, (start, finish)),
            error: None,
            will_retry,
        });
    }

    fn worker_of_dies(&mut self, name: &str, at: f64) {
        let (_, worker) = self.at(name);
        let death = &Death {
            worker,
            at: seconds(at),
            reason: "it was killed".into(),
        };
        self.model.on_event(&Event::WorkerDied {
            death,
            is_replaced: true,
        });
    }
}

/// A statement, four tasks of another one that use it, and a last one, each of cost 1.
fn fork_and_join() -> TaskGraph {
    let mut graph = TaskGraph::builder().task("load", 1).task("join", 1);
    for index in 0..4 {
        let part = format!("part[{index}]");
        graph = graph
            .task(part.clone(), 1)
            .dependency("load", part.clone(), 0);
        graph = graph.dependency(part, "join", 0);
    }
    graph.build().unwrap()
}

fn counts(snapshot: &Snapshot) -> (usize, usize, usize, usize) {
    let Snapshot {
        n_done,
        n_retries,
        n_failed,
        n_deaths,
        ..
    } = *snapshot;
    (n_done, n_retries, n_failed, n_deaths)
}

#[test]
fn tasks_that_a_failure_skips_are_done() {
    let mut run = Told::new(fork_and_join(), 2);
    run.ends("load", (0.0, 1.0));
    run.ends("part[0]", (1.0, 2.0));
    run.fails("part[1]", false, (1.0, 2.0));
    let snapshot = run.model.snapshot(2.0);
    // With `join`, which needs all parts.
    assert_eq!(counts(&snapshot), (4, 0, 1, 0));
    assert_eq!(snapshot.share, 4.0 / 6.0);
    let [part] = &snapshot.families[..] else {
        panic!("{snapshot:?}")
    };
    assert_eq!(
        (part.name.as_str(), part.n_done, part.n_tasks),
        ("part", 2, 4)
    );
}

#[test]
fn last_line_has_problems_unless_the_run_was_cancelled() {
    let mut run = Told::new(fork_and_join(), 2);
    run.ends("load", (0.0, 1.0));
    run.fails("part[1]", false, (1.0, 2.0));
    run.worker_of_dies("part[1]", 2.0);
    let snapshot = run.model.snapshot(2.0);
    let line = "run: 3/6 tasks in 2.0 s, 1 task failed, 1 worker died";
    assert_eq!(last_line(&snapshot, false), line);
    let line = "run: ended early, 1/6 tasks in 2.0 s";
    assert_eq!(last_line(&snapshot, true), line);
}

#[test]
fn death_and_retry_are_counted_and_the_task_begins_again() {
    let mut run = Told::new(fork_and_join(), 2);
    run.begins("load", 1, 0.0);
    run.fails("load", true, (0.0, 0.5));
    run.worker_of_dies("load", 0.5);
    let worker = run.at("load").1.index();
    let snapshot = run.model.snapshot(0.6);
    assert_eq!(counts(&snapshot), (0, 1, 0, 1));
    assert_eq!(snapshot.workers[worker], Activity::Starting);
    run.begins("load", 2, 0.7);
    let snapshot = run.model.snapshot(0.8);
    let Activity::Running { attempt, start, .. } = snapshot.workers[worker] else {
        panic!("{snapshot:?}")
    };
    assert_eq!((attempt, start), (2, 0.7));
}

#[test]
fn result_that_is_computed_again_stays_done() {
    let mut run = Told::new(fork_and_join(), 2);
    run.ends("load", (0.0, 1.0));
    run.begins("load", 2, 2.0);
    assert_eq!(run.model.snapshot(2.0).n_done, 1);
    run.fails("load", false, (2.0, 3.0));
    assert_eq!(counts(&run.model.snapshot(3.0)), (1, 0, 0, 0));
}

#[test]
fn worker_that_has_begun_another_task_is_not_idle() {
    let mut run = Told::new(fork_and_join(), 1);
    run.begins("part[0]", 1, 2.0);
    run.ends("load", (0.0, 1.0));
    let snapshot = run.model.snapshot(2.0);
    assert!(matches!(&snapshot.workers[0], Activity::Running { name, .. } if name == "part[0]"));
}

#[test]
fn run_without_costs_has_a_share_at_its_end() {
    let graph = TaskGraph::builder().task("a", 0).task("b", 0).build();
    let mut run = Told::new(graph.unwrap(), 1);
    run.ends("a", (0.0, 1.0));
    assert_eq!(run.model.snapshot(1.0).share, 0.0);
    run.ends("b", (1.0, 2.0));
    assert_eq!(run.model.snapshot(2.0).share, 1.0);
}
