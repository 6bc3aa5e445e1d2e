//! The public interface: graphs, pools, runs and their outcomes.

mod given;
pub(crate) mod inline;
mod merge;
pub(crate) mod only;
pub(crate) mod outcome;
pub(crate) mod pool;
pub(crate) mod program;
mod progress;
pub(crate) mod trace;
