//! What a run must bear: deaths, stops, limits, cancels and sends that fail, on real workers, each test in a process of
//! its own.
//!
//! Whoever adds a case adds its kind: other numbers of workers, other sizes, another moment.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;

mod cancel;
mod deaths;
mod idle;
mod late;
mod limits;
mod lost;
mod pools;
mod raw;
mod sends;
mod starts;
mod stopped;
mod support;
mod waiting;
