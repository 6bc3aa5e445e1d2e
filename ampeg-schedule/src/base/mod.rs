//! Ids and errors, for all other modules.

pub(crate) mod error;
pub(crate) mod id;
