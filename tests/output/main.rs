//! What tasks print, and what signals and forks do to them, each test in a process of its own.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;
#[path = "../engine/support.rs"]
mod support;

mod forks;
mod harness;
mod lines;
mod odd_ends;
mod signals;
mod stopped;
