//! Checks for remains of pools in this process, for tests that run alone in a process.

use std::path::Path;
use std::time::{Duration, Instant};

/// How many descriptors, threads and mappings of shared memory there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traces {
    threads: usize,
    descriptors: usize,
    mappings: usize,
}

impl Traces {
    pub(super) fn now() -> Self {
        Self {
            threads: threads(),
            descriptors: descriptors(),
            mappings: mappings(),
        }
    }

    /// Fails if there are more now. Threads that have nothing left to do may need a moment to be gone.
    pub(super) fn check(self) {
        settle("threads", threads, self.threads);
        settle("descriptors", descriptors, self.descriptors);
        settle("mappings", mappings, self.mappings);
    }
}

/// Fails if there is a file in a folder.
pub(super) fn check_empty(folder: &Path) {
    let entries = std::fs::read_dir(folder).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.is_empty(), "files are left behind: {names:?}");
}

fn settle(what: &str, count: impl Fn() -> usize, expected: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while count() > expected && Instant::now() < end {
        std::thread::yield_now();
    }
    let found = count();
    assert!(
        found <= expected,
        "{what} are left behind: {found}, not {expected}"
    );
}

fn threads() -> usize {
    count("/proc/self/task")
}

fn descriptors() -> usize {
    count("/proc/self/fd")
}

/// Where there is no such folder, nothing is counted.
fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter(|line| line.contains("memfd")).count()
}
