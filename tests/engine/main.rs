//! Runs with deaths, stops, limits, cancels and failing sends, on real workers. Each test runs in a process of its own.
//!
//! A new case should include its variants: other numbers of workers, other sizes, other times.

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
