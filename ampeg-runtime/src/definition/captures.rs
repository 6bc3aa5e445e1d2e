//! The captured values of a graph, encoded. Workers keep copies for as long as the graph exists.

use crate::value::payload::Payload;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The captured values of a graph, and of its variants with other costs or merged tasks.
pub(crate) struct Captures {
    pub(crate) values: Vec<Payload>,
    /// The owners of copies.
    keepers: Mutex<Vec<Weak<dyn Keeper>>>,
}

/// An owner of copies of captured values.
pub(crate) trait Keeper: Send + Sync {
    /// Called when a graph with large captured values is dropped.
    fn release(&self);
}

/// Workers keep smaller captured values until the next graph is run, because a message to release them costs more.
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
