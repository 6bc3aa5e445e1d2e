//! Panics: their messages and locations are always known, and no panic ends a graph or a run. Each test runs in a
//! process of its own.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;

mod backtraces;
mod deaths;
mod endings;
mod hooks;
mod user_code;
