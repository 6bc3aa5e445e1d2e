//! Finds and signals the processes of workers.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the tests know about the processes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every process that was a worker.
    pids: BTreeSet<u32>,
    /// By worker: the present process, unless the worker is being replaced.
    pub(super) present: BTreeMap<usize, u32>,
    /// Whether the fault has happened.
    pub(super) struck: bool,
}

impl Seen {
    /// Records the process of a worker.
    pub(super) fn note(&mut self, worker: usize, pid: u32) {
        self.pids.insert(pid);
        self.present.insert(worker, pid);
    }

    /// Fails if a worker process is left behind.
    pub(super) fn check_gone(&self) {
        for &pid in &self.pids {
            assert!(!is_child(pid), "process {pid} is left behind");
        }
    }
}

/// Sends a signal to a child of this process. Returns false if the child is gone.
pub(super) fn signal(pid: u32, signal: Signal) -> bool {
    if !is_child(pid) {
        return false;
    }
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // The process may have ended just now, but the system does not reuse its id so soon.
    kill_process(pid, signal).is_ok()
}

/// Whether a process id belongs to a child of this process. Another process may have the id of a child that ended.
fn is_child(pid: u32) -> bool {
    let folder = format!("/proc/{pid}");
    if !cfg!(target_os = "linux") {
        return Path::new(&folder).exists();
    }
    // The name of the program is in brackets. The state and the parent come after it.
    let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
    let parent = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(1));
    parent == Some(&std::process::id().to_string())
}
