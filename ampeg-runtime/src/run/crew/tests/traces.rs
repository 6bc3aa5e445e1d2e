//! Checks that a pool leaves nothing behind in this process, for tests that run alone in a process.

use std::path::Path;
use std::time::{Duration, Instant};

/// The numbers of descriptors, threads and mappings of shared memory.
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

    /// Fails if any number is larger now. A thread that has finished its work may need a moment to end.
    pub(super) fn check(self) {
        settle("threads", threads, self.threads);
        settle("descriptors", descriptors, self.descriptors);
        settle("mappings", mappings, self.mappings);
    }
}

/// Fails if a folder has a file.
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

/// On systems without this folder, nothing is counted.
fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter(|line| line.contains("memfd")).count()
}
