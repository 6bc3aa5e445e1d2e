//! The output of tasks, and the effects of signals and forks, each test in a process of its own.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;
#[path = "../engine/support.rs"]
mod support;

mod forks;
mod harness;
mod lines;
mod odd_ends;
mod of_tasks;
mod signals;
mod stopped;
