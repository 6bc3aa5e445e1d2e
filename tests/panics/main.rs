//! Panics: what they say and where is known whatever comes of them, and none leaves a graph or a run; each test in a
//! process of its own.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;

mod backtraces;
mod deaths;
mod endings;
mod hooks;
mod user_code;
