//! Runs at the limits of the system return the right results, or the error of one task, which names the limit. Each
//! test runs in a process of its own, and sets the limits of this process.

#![deny(warnings)]
#![cfg(unix)]

#[path = "../isolated/mod.rs"]
mod isolated;

mod descriptors;
mod file_size;
mod memory;
mod processes;
mod processor_time;
mod stack;

use ampeg::{Error, Graph, Pool, Values};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sets a limit of this process and of the workers that it starts later. The limit cannot be raised again.
fn limit(resource: Resource, number: u64) {
    let limit = Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    setrlimit(resource, limit).unwrap();
}

/// Sets a soft limit of this process, which may raise it again.
fn limit_softly(resource: Resource, number: u64) {
    let limit = Rlimit {
        current: Some(number),
        ..getrlimit(resource)
    };
    setrlimit(resource, limit).unwrap();
}

/// Where tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Processes,
    Threads,
    Inline,
}

const PLACES: [Place; 3] = [Place::Processes, Place::Threads, Place::Inline];

impl Place {
    fn run<V: Values>(self, graph: &Graph<V>) -> Result<V::Outcome, Error> {
        match self {
            Self::Processes => Pool::new(2)?.run(graph),
            Self::Threads => Pool::builder().threads(2).build()?.run(graph),
            Self::Inline => graph.run_inline(),
        }
    }
}

/// Checks that a message contains all of these words.
#[track_caller]
fn says(message: &impl ToString, words: &[&str]) {
    let message = message.to_string();
    for word in words {
        assert!(message.contains(word), "no {word} in: {message}");
    }
}
