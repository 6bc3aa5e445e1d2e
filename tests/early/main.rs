//! Workers that end or wait before they connect, because of a constructor of the program. Each test runs in a process
//! of its own.
//!
//! A file in the folder for temporary files tells the constructor of this test program what to do.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;
#[path = "../engine/support.rs"]
mod support;

mod constructor;
mod ended;
mod slow;
