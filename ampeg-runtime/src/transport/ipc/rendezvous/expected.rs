//! Which processes are expected to say hello.

use super::Tell;
use std::collections::HashMap;
use std::fmt;

/// The processes that were started and have not said hello.
#[derive(Default)]
pub(super) struct Expected {
    /// How many starts are going on: the number of a process is known when it may already have connected.
    pub(super) n_starting: usize,
    by_pid: HashMap<u32, Tell>,
    pub(super) is_closed: bool,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is listened to.
    Expected,
    /// It may become one that is expected.
    Open,
    Stranger,
}

impl Expected {
    pub(super) fn insert(&mut self, pid: u32, tell: Tell) {
        // One that had the number before is gone, or it could not be given anew.
        self.by_pid.insert(pid, tell);
    }

    /// Whom to tell what a process has said; from now on it is not expected.
    pub(super) fn take(&mut self, pid: u32) -> Option<Tell> {
        self.by_pid.remove(&pid)
    }

    pub(super) fn judge(&self, pid: u32) -> Verdict {
        if self.by_pid.contains_key(&pid) {
            Verdict::Expected
        } else if self.n_starting > 0 && is_child(pid) {
            Verdict::Open
        } else {
            Verdict::Stranger
        }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_pid.keys()).finish()
    }
}

/// Whether a process is a child of this one, on the process table.
fn is_child(pid: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // A look at the table that changes nothing; it fails for all others.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).is_ok()
}
