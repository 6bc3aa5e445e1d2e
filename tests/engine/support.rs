//! Signals between a test and its tasks, and actions on workers.

#![allow(dead_code, reason = "not every test crate needs all of it")]

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Graph, Pool, graph};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

/// Longer than any test takes.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A listener to which tasks connect to show that they have begun. In these tests, to connect is to ring.
#[derive(Debug)]
pub(crate) struct Bell {
    listener: TcpListener,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Waits until a task rings. A task in [`ring_and_wait`] continues when the returned stream is dropped.
    pub(crate) fn wait(&self) -> TcpStream {
        self.listener.accept().unwrap().0
    }

    /// Whether a task has rung for which [`wait`](Self::wait) was not called.
    pub(crate) fn was_rung(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        let rung = self.listener.accept().is_ok();
        self.listener.set_nonblocking(false).unwrap();
        rung
    }
}

/// Rings, and returns.
pub(crate) fn ring(bell: SocketAddr) {
    // If the test no longer listens, it needs no ring.
    let _ = TcpStream::connect(bell);
}

/// Rings, and waits until the test drops the stream.
pub(crate) fn ring_and_wait(bell: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(bell) {
        // The task also continues if the test is gone.
        let _ = stream.flush();
        let _ = stream.read(&mut [0]);
    }
}

/// Rings, and never ends.
pub(crate) fn ring_and_hang(bell: SocketAddr) -> u64 {
    ring(bell);
    sleep(HOUR);
    0
}

/// Waits until a condition is true. If it never is, the deadline of the test ends the wait.
pub(crate) fn until(condition: impl Fn() -> bool) {
    while !condition() {
        sleep(Duration::from_millis(1));
    }
}

/// Waits until a condition is true, but not longer than this time. Returns whether the condition became true.
pub(crate) fn comes_within(time: Duration, condition: impl Fn() -> bool) -> bool {
    let end = std::time::Instant::now() + time;
    while !condition() {
        if std::time::Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
    true
}

/// Calls `work` while `background` runs in another thread. The flag tells `background` that `work` has ended.
pub(crate) fn beside<T>(
    background: impl FnOnce(&AtomicBool) + Send,
    work: impl FnOnce() -> T,
) -> T {
    /// Sets the flag, also if `work` panics.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let done = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| background(&done));
        let _done = Done(&done);
        work()
    })
}

/// A folder for the files of a test, which is removed at the end of the test.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = std::env::temp_dir().join("scratch");
        fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Counts a call in a file. Returns the number of calls, including this one.
pub(crate) fn count(path: &Path) -> usize {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(&[0]).unwrap();
    counted(path)
}

/// The number of calls that were counted in a file.
pub(crate) fn counted(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.len())
}

/// The children of this process that are alive.
pub(crate) fn children() -> BTreeSet<i32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let texts = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    let each = |text: String| {
        let ids = text.split_whitespace();
        ids.map(|id| id.parse().unwrap()).collect::<Vec<i32>>()
    };
    let all = texts.flat_map(|text| each(text.unwrap_or_default()));
    all.filter(|&id| is_alive(id)).collect()
}

/// Whether a process exists and is not a zombie.
pub(crate) fn is_alive(id: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    let state = stat.rsplit(')').next().unwrap_or("");
    !matches!(state.trim().chars().next(), Some('Z' | 'X') | None)
}

/// Sends a signal to a process, which may be gone.
pub(crate) fn signal(id: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(id).unwrap(), signal);
}

/// Kills a process, and returns when it is gone.
pub(crate) fn kill(id: i32) {
    signal(id, Signal::KILL);
    until(|| !is_alive(id));
}

/// Stops a process, and returns when it is stopped.
pub(crate) fn stop(id: i32) {
    signal(id, Signal::STOP);
    until(|| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or("");
        state.trim().starts_with('T')
    });
}

/// The processes of a pool's workers, by worker.
pub(crate) fn workers(pool: &Pool) -> Vec<i32> {
    let n = pool.n_workers();
    let graph = graph! { id[i in 0..n] = i32::try_from(std::process::id()).unwrap(); };
    let names: Vec<_> = (0..n).map(|i| format!("id[{i}]")).collect();
    let lists: Vec<_> = names.iter().map(|name| vec![name.as_str()]).collect();
    let schedule = by_hand(&graph, &lists);
    let outcome = pool.run_schedule(&graph, &schedule).unwrap();
    outcome.into_values().unwrap().id
}

/// A schedule by the names of the tasks of each worker, in order.
pub(crate) fn by_hand<O>(graph: &Graph<O>, lists: &[Vec<&str>]) -> Schedule {
    let tasks = graph.task_graph().unwrap();
    let of = |names: &Vec<&str>| {
        let names = names.iter();
        names.map(|name| tasks.find(name).unwrap()).collect()
    };
    let lists: Vec<Vec<_>> = lists.iter().map(of).collect();
    Schedule::from_order(tasks, &Processors::new(lists.len()).unwrap(), &lists).unwrap()
}

/// The open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
