//! Captured values that cannot be sent, and the time to read captured values.

use crate::isolated::isolated;
use ampeg::{Pool, graph};
use serde::{Deserialize, Serialize, Serializer};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug, Clone, Deserialize)]
enum Bad {
    Panics,
    Fails,
}

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Panics => panic!("it panics when written"),
            Self::Fails => Err(serde::ser::Error::custom("it fails when written")),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Outer {
    inner: Vec<Inner>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Inner {
    bad: Bad,
}

/// Checks that a message names the variable, the first task that uses it, the location, the type, the reason and the
/// remedy.
#[track_caller]
fn is_named(error: &ampeg::Error, parts: &[&str]) {
    let message = error.to_string();
    let all = ["`broken`", "task `user`", "captures.rs:", "inside the task"];
    for part in all.iter().chain(parts) {
        assert!(message.contains(part), "no {part} in: {message}");
    }
}

#[test]
fn capture_that_panics_or_fails_when_written_is_an_error_of_the_run() {
    let broken = Bad::Panics;
    let graph = graph! { other = 1; user = size_of_val(&broken) + other; };
    let parts = ["Bad", "panicked at", "it panics when written"];
    is_named(&graph.run(2).unwrap_err(), &parts);
    is_named(&graph.run_inline().unwrap_err(), &parts);

    let list = [Bad::Panics];
    let broken = &list[..];
    let graph = graph! { user = broken.len(); };
    is_named(&graph.run(1).unwrap_err(), &["captures::Bad]", "panicked"]);

    let broken = Outer {
        inner: vec![Inner { bad: Bad::Fails }],
    };
    let graph = graph! { user[i in 0..3] = size_of_val(&broken) + i; };
    let parts = ["Outer", "`inner.bad`", "it fails when written"];
    is_named(&graph.run(1).unwrap_err(), &parts);
    let field = &broken;
    let graph = graph! { user = size_of_val(field); };
    let error = graph.run(1).unwrap_err().to_string();
    assert!(error.contains("`field`"), "{error}");
}

static N_READ: AtomicU32 = AtomicU32::new(0);

/// Counts how often it is read in this process.
#[derive(Debug, Clone, Serialize)]
struct Counted(u32);

impl Counted {
    fn get(&self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::thread::sleep(std::time::Duration::from_millis(50));
        N_READ.fetch_add(1, Ordering::Relaxed);
        u32::deserialize(deserializer).map(Self)
    }
}

#[test]
fn captures_are_read_once_by_each_worker_which_is_no_computation() {
    isolated(|| {
        let value = Counted(3);
        let graph = graph! {
            member[i in 0..4] = (value.get() + i, N_READ.load(Ordering::Relaxed));
            pub all = member[..].to_vec();
        };
        let pool = Pool::new(1).unwrap();
        for _ in 0..3 {
            let outcome = pool.run(&graph).unwrap();
            assert_eq!(outcome.all, Ok(vec![(3, 1), (4, 1), (5, 1), (6, 1)]));
        }
        let outcome = Pool::new(1).unwrap().run(&graph).unwrap();
        let report = outcome.report();
        let decoding: std::time::Duration = report.attempts().iter().map(|it| it.decoding).sum();
        assert!(decoding.as_millis() >= 50, "{decoding:?}");
        let first = report.attempts().iter().find(|it| !it.decoding.is_zero());
        let first = first.unwrap();
        assert_eq!(
            first.computation() + first.decoding,
            first.finish.saturating_sub(first.start)
        );
        assert_eq!(report.breakdown().decoding, decoding);
    });
}
