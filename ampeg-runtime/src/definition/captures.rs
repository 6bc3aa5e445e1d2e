//! The captured values of a graph, encoded. Workers keep copies for as long as the graph exists.

use crate::value::payload::Payload;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The captured values of a graph, and of its variants with other costs or merged tasks.
pub(crate) struct Captures {
    pub(crate) values: Vec<Payload>,
    /// Who has copies of them.
    keepers: Mutex<Vec<Weak<dyn Keeper>>>,
}

/// Somebody who keeps copies of captured values.
pub(crate) trait Keeper: Send + Sync {
    /// A graph is gone whose captured values are large.
    fn release(&self);
}

/// Captured values that have fewer bytes in all may stay where they are until another graph is run.
const WORTH_RELEASING: u64 = 1 << 20;

impl Captures {
    pub(crate) fn new(values: Vec<Payload>) -> Arc<Self> {
        Arc::new(Self {
            values,
            keepers: Mutex::default(),
        })
    }

    /// Notifies `keeper` when the graph is gone, if the values are large.
    pub(crate) fn tell_when_gone(&self, keeper: Weak<dyn Keeper>) {
        if self.values.iter().map(Payload::len).sum::<u64>() < WORTH_RELEASING {
            return;
        }
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !keepers.iter().any(|other| other.ptr_eq(&keeper)) {
            keepers.push(keeper);
        }
    }
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captures")
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl Drop for Captures {
    fn drop(&mut self) {
        let keepers = self
            .keepers
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for keeper in keepers.iter().filter_map(Weak::upgrade) {
            keeper.release();
        }
    }
}
