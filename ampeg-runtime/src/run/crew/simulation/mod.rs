//! A simulation in which the real crew, coordinator and workers run in one thread, in any order of events that there can
//! be, with deaths at every point.
//!
//! - `choices`: where the order comes from, a tape that can be replayed, shrunk (`shrink`) and enumerated
//! - `scenario`, `draw`: what is run, and which faults may happen
//! - `world`, `options`, `act`, `process`: workers, and what is on its way between them
//! - `cluster`, `wire`: the two sides of the transport, by which the runtime is tied to that world
//! - `record`, `check`: what really happened, and what must hold of results and logs
//! - `faults`: that the simulation would notice if something were wrong
//! - `hunt`, `trace`, `words`: looks for a run that breaks a property, and tells how in as few lines as can be
//!
//! Time passes only when the simulation lets it. Nothing here depends on the real clock, on threads or on the order of hash tables: the same tape leads to the same run.

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
