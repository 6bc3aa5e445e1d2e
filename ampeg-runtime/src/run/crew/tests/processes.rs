//! Finds and signals the processes of workers.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the harness wants to know of the processes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every process that was a worker.
    pids: BTreeSet<u32>,
    /// By worker, the present process, unless it is being replaced.
    pub(super) present: BTreeMap<usize, u32>,
    /// Whether the fault has happened.
    pub(super) struck: bool,
}

impl Seen {
    /// This is the process of a worker now.
    pub(super) fn note(&mut self, worker: usize, pid: u32) {
        self.pids.insert(pid);
        self.present.insert(worker, pid);
    }

    /// Fails if a worker is left behind.
    pub(super) fn check_gone(&self) {
        for &pid in &self.pids {
            assert!(!is_child(pid), "process {pid} is left behind");
        }
    }
}

/// Sends a signal to a process of this one; false if it has been gone for long.
pub(super) fn signal(pid: u32, signal: Signal) -> bool {
    if !is_child(pid) {
        return false;
    }
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may have ended in this moment; numbers of processes are not given anew that soon.
    kill_process(pid, signal).is_ok()
}

/// Whether a number belongs to a process of this one; others may have got those of ended ones.
fn is_child(pid: u32) -> bool {
    let folder = format!("/proc/{pid}");
    if !cfg!(target_os = "linux") {
        return Path::new(&folder).exists();
    }
    // The name of the program is in brackets; behind it come the state and the parent.
    let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
    let parent = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(1));
    parent == Some(&std::process::id().to_string())
}
