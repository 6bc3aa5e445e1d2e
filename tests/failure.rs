//! Failures and their limits, on real worker processes, each test in a process of its own.

#![deny(warnings)]

mod isolated;

use ampeg::{Pool, Processors, Schedule, TaskError, TaskErrorKind, graph};
use isolated::isolated;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn kind<T: fmt::Debug>(result: &Result<T, TaskError>) -> &TaskErrorKind {
    result.as_ref().unwrap_err().kind()
}

fn text<T: fmt::Debug>(result: &Result<T, TaskError>) -> String {
    result.as_ref().unwrap_err().to_string()
}

fn is_abort(kind: &TaskErrorKind) -> bool {
    matches!(
        kind,
        TaskErrorKind::Crashed {
            signal: Some(6),
            ..
        }
    )
}

fn abort() -> i64 {
    std::process::abort()
}

fn exit(code: i32) -> i64 {
    std::process::exit(code)
}

fn kill_myself() -> i64 {
    let id = std::process::id().to_string();
    Command::new("kill").args(["-KILL", &id]).status().unwrap();
    std::thread::sleep(Duration::from_secs(600));
    0
}

fn overflow(depth: u64) -> i64 {
    let frame = std::hint::black_box([depth; 1000]);
    if depth == u64::MAX {
        return 0;
    }
    overflow(depth + 1) + i64::try_from(frame[0]).unwrap()
}

fn endless() -> i64 {
    loop {
        std::hint::black_box(0);
    }
}

fn panic_with(payload: u32) -> i64 {
    std::panic::panic_any(payload)
}

//   a    bad
//   │ └─┐ │
//   c    sum
//          │
//        last
#[test]
fn crash_fails_the_task_and_its_dependents() {
    isolated(|| {
        for processes in 1..=3 {
            let outcome =
                graph! { a = 1; bad = abort(); c = a + 1; sum = a + bad; last = sum + 1; };
            let outcome = outcome.run(processes).unwrap();
            assert_eq!((&outcome.a, &outcome.c), (&Ok(1), &Ok(2)));
            assert!(is_abort(kind(&outcome.bad)), "{:?}", outcome.bad);
            let last = outcome.last.as_ref().unwrap_err();
            assert!(matches!(
                last.kind(),
                TaskErrorKind::DependencyFailed { .. }
            ));
            assert_eq!((last.task(), last.root().task()), ("last", "bad"));
            assert_eq!(outcome.report().deaths().len(), 1);
            let error = outcome.into_values().unwrap_err();
            assert!(error.task() == "bad" && is_abort(error.kind()));
        }
    });
}

#[test]
fn every_way_to_die_is_reported() {
    isolated(|| {
        let outcome = graph! {
            aborted = abort();
            exited = exit(3);
            left = exit(0);
            killed = kill_myself();
            overflown = overflow(0);
            greedy = vec![1_u8; usize::MAX / 4].len();
            fine = 1;
        };
        let pool = Pool::new(2).unwrap();
        let outcome = pool.run(&outcome).unwrap();
        assert_eq!(outcome.fine, Ok(1));
        let told = [
            (text(&outcome.aborted), "SIGABRT"),
            (text(&outcome.exited), "exited with code 3"),
            (text(&outcome.left), "exited with code 0"),
            (text(&outcome.killed), "SIGKILL"),
            (text(&outcome.overflown), "SIGSEGV"),
            (text(&outcome.greedy), "SIGABRT"),
        ];
        for (text, part) in told {
            assert!(text.contains(part), "{text}");
            assert!(text.contains("tests/failure.rs:"), "{text}");
        }
        assert_eq!(pool.run(&graph! { after = 1 + 1; }).unwrap().after, Ok(2));
    });
}

#[test]
fn panics_and_errors_are_reported_with_their_locations() {
    isolated(|| {
        let (list, divisor) = (vec![1, 2, 3], 0);
        let outcome = graph! {
            index = list[3];
            division = 1 / divisor;
            payload = panic_with(7);
            parsed: i64 = "seven".parse()?;
            boxed = Err::<(), Box<dyn std::error::Error + Send + Sync>>("in a box".into())?;
            fine = list.len();
        };
        let outcome = outcome.run(2).unwrap();
        assert_eq!(outcome.fine, Ok(3));
        let TaskErrorKind::Panicked { message, location } = kind(&outcome.index) else {
            panic!("{:?}", outcome.index);
        };
        assert!(message.contains("index out of bounds"), "{message}");
        assert!(location.as_ref().unwrap().starts_with("tests/failure.rs:"));
        assert!(text(&outcome.division).contains("divide by zero"));
        assert!(matches!(
            kind(&outcome.payload),
            TaskErrorKind::Panicked { .. }
        ));
        assert!(text(&outcome.parsed).contains("failed: invalid digit"));
        assert!(text(&outcome.boxed).contains("failed: in a box"));
        assert!(outcome.report().deaths().is_empty());
    });
}

/// Crashes the first `n` times, as counted by the files in `folder`.
fn crash_first(n: usize, folder: &Path) -> Result<usize, std::io::Error> {
    let tries = std::fs::read_dir(folder)?.count();
    std::fs::write(folder.join(tries.to_string()), "")?;
    if tries < n {
        std::process::abort();
    }
    Ok(tries)
}

#[test]
fn crashed_task_is_tried_again_as_often_as_retry_says() {
    isolated(|| {
        let folder = |name: &str| {
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (here, there) = (folder("here"), folder("there"));
        let outcome = graph! {
            enough = crash_first(2, &here)? retry 2;
            few = crash_first(5, &there)? retry 1;
            after = enough + 1;
        };
        let outcome = outcome.run(2).unwrap();
        assert_eq!((&outcome.enough, &outcome.after), (&Ok(2), &Ok(3)));
        let error = outcome.few.as_ref().unwrap_err();
        assert_eq!(error.attempt(), 2);
        assert!(error.to_string().contains("attempt 2 crashed"), "{error}");
        assert_eq!(outcome.report().deaths().len(), 4);
        for folder in [here, there] {
            std::fs::remove_dir_all(folder).unwrap();
        }
    });
}

#[test]
fn task_beyond_its_limit_is_ended() {
    isolated(|| {
        let start = Instant::now();
        let limit = Duration::from_millis(200);
        let outcome = graph! {
            stuck = endless() within limit;
            asleep = std::thread::sleep(Duration::from_secs(600)) within 0.2;
            after = stuck + 1;
            fine = 1 within 100;
        };
        let outcome = outcome.run(2).unwrap();
        assert_eq!(*kind(&outcome.stuck), TaskErrorKind::TimedOut { limit });
        assert_eq!(*kind(&outcome.asleep), TaskErrorKind::TimedOut { limit });
        assert_eq!(outcome.after.as_ref().unwrap_err().root().task(), "stuck");
        assert_eq!(outcome.fine, Ok(1));
        assert!(start.elapsed() < Duration::from_secs(60));
    });
}

/// A value that cannot be encoded or decoded, as its name says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Awkward {
    Written,
    Read,
    WrittenInPanic,
    ReadInPanic,
    Fine,
}

impl Serialize for Awkward {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written => Err(serde::ser::Error::custom("it will not be written")),
            Self::WrittenInPanic => panic!("it panics when written"),
            Self::Read => serializer.serialize_u8(0),
            Self::ReadInPanic => serializer.serialize_u8(1),
            Self::Fine => serializer.serialize_u8(2),
        }
    }
}

impl<'de> Deserialize<'de> for Awkward {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Err(serde::de::Error::custom("it will not be read")),
            1 => panic!("it panics when read"),
            _ => Ok(Self::Fine),
        }
    }
}

#[test]
fn result_that_cannot_be_sent_fails_only_its_task() {
    isolated(|| {
        let outcome = graph! {
            written = Awkward::Written;
            read = Awkward::Read;
            written_in_panic = Awkward::WrittenInPanic;
            read_in_panic = Awkward::ReadInPanic;
            fine = Awkward::Fine;
            other = 1;
        };
        for processes in [1, 3] {
            let outcome = outcome.run(processes).unwrap();
            assert_eq!(
                (&outcome.fine, &outcome.other),
                (&Ok(Awkward::Fine), &Ok(1))
            );
            for result in [&outcome.written, &outcome.read, &outcome.read_in_panic] {
                let kind = kind(result);
                assert!(
                    matches!(kind, TaskErrorKind::NotDeliverable { .. }),
                    "{kind:?}"
                );
            }
            assert!(text(&outcome.read_in_panic).contains("it panics when read"));
            assert!(text(&outcome.written_in_panic).contains("it panics when written"));
        }
    });
}

#[test]
fn result_that_cannot_be_read_is_the_fault_of_its_own_task() {
    isolated(|| {
        let graph = graph! {
            pub read = Awkward::Read;
            panicked = Awkward::ReadInPanic;
            pub first = matches!(&read, Awkward::Read);
            pub second = matches!(&read, Awkward::Read);
            pub third = matches!(&panicked, Awkward::ReadInPanic);
        };
        // On the worker that made the value, it is not decoded.
        let outcome = graph.run(1).unwrap();
        assert_eq!((&outcome.first, &outcome.third), (&Ok(true), &Ok(true)));
        let tasks = graph.task_graph().unwrap();
        let list = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| tasks.find(name).unwrap()).collect()
        };
        let lists = [
            list(&["read", "panicked"]),
            list(&["first", "second", "third"]),
        ];
        let schedule = Schedule::from_order(tasks, &Processors::new(2).unwrap(), &lists).unwrap();
        let pool = Pool::new(2).unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        for (result, name) in [
            (&outcome.first, "read"),
            (&outcome.second, "read"),
            (&outcome.third, "panicked"),
        ] {
            let root = result.as_ref().unwrap_err().root();
            assert_eq!(root.task(), name);
            assert!(
                matches!(root.kind(), TaskErrorKind::NotDeliverable { .. }),
                "{root}"
            );
        }
    });
}

/// Panics when it is dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Grenade(i64);

impl Drop for Grenade {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0 < 5, "it went off");
    }
}

#[test]
fn panic_in_a_destructor_loses_no_other_result() {
    isolated(|| {
        let outcome = graph! {
            thrown = Grenade(7);
            held = thrown.0;
            other = 1;
            pub sum = held + other;
            pub alone = 2;
        };
        for processes in [1, 2] {
            let outcome = outcome.run(processes).unwrap();
            assert_eq!(outcome.alone, Ok(2));
            if let Err(error) = &outcome.sum {
                assert!(error.to_string().contains("it went off"), "{error}");
            }
        }
    });
}

#[test]
fn every_task_may_fail() {
    isolated(|| {
        let outcome = graph! { a = abort(); b = panic_with(1); c: i64 = Err("no")?; d = abort(); e = a + b + c + d; };
        let outcome = outcome.run(4).unwrap();
        let results = [&outcome.a, &outcome.b, &outcome.c, &outcome.d, &outcome.e];
        assert!(results.into_iter().all(Result::is_err));
        assert_eq!(outcome.report().deaths().len(), 2);
    });
}

#[test]
fn run_ends_after_max_failures() {
    fn fail() -> Result<u8, &'static str> {
        Err("no")
    }
    isolated(|| {
        for builder in [Pool::builder().processes(3), Pool::builder().threads(3)] {
            let pool = builder.max_failures(2).build().unwrap();
            // One failure, and the tasks that are not run because of it, do not end the run.
            let one = graph! { a = fail()?; b = a + 1; c = b + 1; d = 4; e = d + 1; };
            let outcome = pool.run(&one).unwrap();
            assert_eq!((outcome.d, outcome.e), (Ok(4), Ok(5)));
            assert!(outcome.c.is_err());
        }
        let pool = Pool::builder()
            .processes(3)
            .max_failures(2)
            .build()
            .unwrap();
        let hour = Duration::from_secs(3600);
        let two =
            graph! { a = fail()?; b = fail()?; long = std::thread::sleep(hour); after = long; };
        let outcome = pool.run(&two).unwrap();
        for failed in [outcome.a, outcome.b] {
            assert!(matches!(
                failed.unwrap_err().kind(),
                TaskErrorKind::Failed { .. }
            ));
        }
        for cancelled in [outcome.long, outcome.after] {
            assert_eq!(cancelled.unwrap_err().kind(), &TaskErrorKind::Cancelled);
        }
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
    });
}

#[test]
fn retried_attempts_do_not_count_as_failures() {
    fn fail_first() -> Result<u8, &'static str> {
        static CALLS: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
        let is_first = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if is_first { Err("not yet") } else { Ok(1) }
    }
    isolated(|| {
        let pool = Pool::builder()
            .processes(1)
            .max_failures(1)
            .build()
            .unwrap();
        let outcome = pool
            .run(&graph! { a = fail_first()? retry 1; b = a + 1; })
            .unwrap();
        assert_eq!(outcome.b, Ok(2));
        let error = Pool::builder().max_failures(0).build().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`max_failures` is 0: give at least 1"),
            "{error}"
        );
    });
}
