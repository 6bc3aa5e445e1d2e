//! Simulates a pool: the real crew, coordinator and workers run in one thread, in any possible order of events, with
//! deaths at every point.
//!
//! - `choices`: the source of the order, a tape that can be replayed, shrunk (`shrink`) and enumerated
//! - `scenario`, `draw`: the graphs and runs, and the faults that may happen
//! - `world`, `options`, `act`, `process`: workers, and the messages between them
//! - `cluster`, `wire`: the two sides of the simulated transport, which connect the runtime to that world
//! - `record`, `check`: the events that really happened, and the properties of results and logs
//! - `faults`: tests that the simulation notices mistakes
//! - `hunt`, `trace`, `words`: search for a run that breaks a property, and print it in as few lines as possible
//!
//! Time passes only when the simulation advances it. Nothing here depends on the real clock, on threads or on the
//! order of hash tables, so the same tape leads to the same run.

mod act;
mod check;
mod choices;
mod cluster;
mod draw;
mod faults;
mod hunt;
mod options;
mod process;
mod record;
mod scenario;
mod shrink;
mod tests;
mod trace;
mod wire;
mod words;
mod world;
