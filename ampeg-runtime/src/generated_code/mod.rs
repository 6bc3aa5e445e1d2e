//! The interface for code that `graph!` generates: static facts, captures, inputs and dispatchers.

pub(crate) mod capture;
pub(crate) mod clause;
pub(crate) mod facts;
pub(crate) mod index;
pub(crate) mod inputs;
pub(crate) mod members;
pub(crate) mod part;
pub(crate) mod task;
pub(crate) mod task_value;
