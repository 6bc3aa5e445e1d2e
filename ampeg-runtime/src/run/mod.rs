//! One run of a plan: messages, workers, and the coordinator that follows them.

pub(crate) mod caller;
pub(crate) mod cluster;
pub(crate) mod coordinator;
pub(crate) mod crew;
pub(crate) mod event;
pub(crate) mod executor;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod progress;
pub(crate) mod worker;
