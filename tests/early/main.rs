//! Workers that end or linger before they have said anything, as the constructors of a program can make them: each test
//! in a process of its own.
//!
//! The constructor of this test program does what a file in the folder for temporary files says; without one, nothing.

#![deny(warnings)]

#[path = "../isolated/mod.rs"]
mod isolated;
#[path = "../engine/support.rs"]
mod support;

mod constructor;
mod ended;
mod slow;
