//! The lines of this crate in the program's logger.

#[path = "isolated/mod.rs"]
mod isolated;

use ampeg::{Pool, Processors, Schedule, graph};
use isolated::isolated;
use log::{LevelFilter, Log, Metadata, Record};
use std::sync::Mutex;

/// Keeps each line, without the number of a process.
struct Kept(Mutex<Vec<String>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {} {}", record.target(), record.level(), record.args());
        let line = line.split(" as process").next().unwrap().to_owned();
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

/// A logger that panics at each line.
struct Broken;

impl Log for Broken {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        panic!("no space left on device");
    }

    fn flush(&self) {}
}

#[test]
fn death_and_recovery_are_logged() {
    isolated(|| {
        log::set_logger(&KEPT).unwrap();
        log::set_max_level(LevelFilter::Debug);
        let graph = graph! {
            a = 1;
            pub b: i32 = { let _ = a; std::process::abort() };
            pub c = a + 1;
        };
        let tasks = graph.task_graph().unwrap();
        let order = ["a", "b", "c"].map(|name| tasks.find(name).unwrap());
        let one = Processors::new(1).unwrap();
        let schedule = Schedule::from_order(tasks, &one, &[order.to_vec()]).unwrap();
        let pool = Pool::new(1).unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        assert!(outcome.b.is_err());
        assert_eq!(outcome.c, Ok(2));
        let lines = std::mem::take(&mut *KEPT.0.lock().unwrap());
        let expected = [
            "worker 0 is started",
            "worker 0 is connected",
            "run 1 begins: 3 task(s), 1 worker(s)",
            "worker 0 has ended: it was killed by signal 6 (SIGABRT, abort)",
            "worker 0 is replaced",
            "worker 0 is started",
            "worker 0 is connected",
            "worker 0 computes `a` again: its result is lost",
            "run 1 has ended",
        ];
        assert_eq!(lines, expected.map(|line| format!("ampeg DEBUG {line}")));
    });
}

#[test]
fn panics_of_a_logger_change_nothing() {
    isolated(|| {
        log::set_logger(&Broken).unwrap();
        log::set_max_level(LevelFilter::Trace);
        let pool = Pool::new(2).unwrap();
        let outcome = pool.run(&graph! { a = 20; b = a + 1; c = a * 2; }).unwrap();
        assert_eq!((outcome.b, outcome.c), (Ok(21), Ok(40)));
    });
}
