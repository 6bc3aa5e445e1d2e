//! Programs that cannot start worker processes: the reason is an error before the first process is started, and threads
//! and inline runs still work.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;
#[path = "../engine/support.rs"]
mod support;

mod denied;
mod ends;
mod privileges;
mod programs;

use crate::support::children;
use ampeg::{Pool, graph};

/// Runs a graph on processes, which must be refused before one is started, and on threads and inline. Returns the
/// reason of the refusal.
fn refusal() -> String {
    let graph = graph! { a = vec![1_u8; 100_000]; b = a.len() + 1; };
    let error = graph.run(2).unwrap_err().to_string();
    assert!(children().is_empty(), "{error}");
    assert_eq!(graph.run_inline().unwrap().b, Ok(100_001));
    let threads = Pool::builder().threads(2).build().unwrap();
    assert_eq!(threads.run(&graph).unwrap().b, Ok(100_001));
    error
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
