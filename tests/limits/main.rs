//! What a run does at the limits of the system: the right results, or the error of one task, which names the limit. Each
//! test in a process of its own, whose limits it sets.

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

/// Limits this process and the workers that it will start, for good.
fn limit(resource: Resource, number: u64) {
    let limit = Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    setrlimit(resource, limit).unwrap();
}

/// Limits this process, which may raise that again.
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

/// This message says all of this.
#[track_caller]
fn says(message: &impl ToString, words: &[&str]) {
    let message = message.to_string();
    for word in words {
        assert!(message.contains(word), "no {word} in: {message}");
    }
}
