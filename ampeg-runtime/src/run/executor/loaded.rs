//! A graph on a worker: its code, and its captured values as bytes.

use super::UserValue;
use crate::generated_code::task::{Descriptor, Table};
use crate::sys;
use crate::value::payload::Payload;
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// The code and the captured values of one graph.
pub(crate) struct LoadedGraph {
    pub(super) descriptor: &'static Descriptor,
    pub(super) table: Table,
    pub(super) captures: Vec<Payload>,
    /// By capture: whether it has several users. A single user may take the value.
    pub(super) is_shared: Vec<bool>,
    /// By capture: the decoded value, if several tasks share it. It is kept for all runs.
    held: RefCell<Vec<Option<UserValue>>>,
}

impl fmt::Debug for LoadedGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedGraph")
            .field("captures", &self.captures.len())
            .finish_non_exhaustive()
    }
}

impl LoadedGraph {
    pub(crate) fn new(descriptor: &'static Descriptor, captures: Vec<Payload>) -> Self {
        let is_shared = shared_captures(descriptor);
        sys::count_forks();
        Self {
            descriptor,
            table: descriptor.table(),
            captures,
            held: RefCell::new(is_shared.iter().map(|_| None).collect()),
            is_shared,
        }
    }

    /// A captured value that was decoded and kept.
    pub(super) fn held(&self, capture: usize) -> Option<Rc<dyn Any>> {
        self.held.borrow()[capture].as_ref()?.share()
    }

    /// Keeps a captured value for other tasks and runs.
    pub(super) fn hold(&self, capture: usize, value: Rc<dyn Any>) {
        self.held.borrow_mut()[capture] = Some(UserValue::new(value));
    }

    /// Adds the next captured value.
    pub(crate) fn push_capture(&mut self, capture: Payload) {
        self.captures.push(capture);
    }
}

/// Whether each capture is used by more than one task.
fn shared_captures(descriptor: &Descriptor) -> Vec<bool> {
    let mut uses = vec![0_u32; descriptor.facts().captures.len()];
    for statement in descriptor.facts().statements {
        // A statement with indices may have any number of tasks.
        let tasks = if statement.indices.is_empty() { 1 } else { 2 };
        for &capture in statement.captures {
            uses[capture as usize] += tasks;
        }
    }
    uses.into_iter().map(|uses| uses > 1).collect()
}
