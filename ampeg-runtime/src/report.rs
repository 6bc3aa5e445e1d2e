//! Planned against observed: when and where each task of a run was, and what moved.

/// What happened in one run.
#[derive(Debug, Clone, Default)]
pub struct Report {}
