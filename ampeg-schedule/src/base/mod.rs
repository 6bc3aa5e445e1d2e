//! What everything else stands on: ids and errors.

pub(crate) mod error;
pub(crate) mod id;
