//! Limits of the system for this process: open files, file size, address space; and their names in messages.

use crate::base::failure::TaskErrorKind;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::OnceLock;

/// The limits that a pool sets for its worker processes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct WorkerLimits {
    /// The size of the address space of each worker, in bytes.
    pub(crate) memory: Option<u64>,
    /// The stack size of tasks in bytes. By default, it is that of the main thread of a process.
    pub(crate) stack: Option<usize>,
}

/// The default stack size of a task on a worker thread, in bytes: the size that it has in a worker process. None if
/// the program's environment sets the size.
pub(crate) fn stack_of_tasks() -> Option<usize> {
    /// The usual limit, which is also used if there is no limit.
    const USUAL: u64 = 8 << 20;
    /// The stack size of std's threads.
    const LEAST: u64 = 2 << 20;
    /// An upper bound, because each thread reserves its stack at once.
    const MOST: u64 = 1 << 30;
    if std::env::var_os("RUST_MIN_STACK").is_some() {
        return None;
    }
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    #[cfg(not(unix))]
    let limit: Option<u64> = None;
    usize::try_from(limit.map_or(USUAL, |limit| limit.clamp(LEAST, MOST))).ok()
}

/// The `memory_limit` of this worker's pool.
static MEMORY_LIMIT: OnceLock<u64> = OnceLock::new();

/// Limits the address space of this worker process.
pub(crate) fn limit_memory(bytes: u64) -> Result<(), String> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::As).maximum;
        let current = Some(bytes);
        setrlimit(Resource::As, Rlimit { current, maximum })
            .map_err(|error| format!("its memory could not be limited: {error}"))?;
    }
    // A worker belongs to one pool, so this is set once.
    let _ = MEMORY_LIMIT.set(bytes);
    Ok(())
}

/// The largest `memory_limit` that the system allows; none if there is no limit.
pub(crate) fn most_memory() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::As).maximum;
    #[cfg(not(unix))]
    None
}

/// The limit of address space for a worker of a pool with this `memory_limit`, in words.
pub(crate) fn memory_limit_in_words(memory_limit: Option<u64>) -> Option<String> {
    if let Some(bytes) = memory_limit {
        return Some(format!(
            "`memory_limit` allows this worker {}",
            megabytes(bytes)
        ));
    }
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
        limit.map(|bytes| format!("`ulimit -v` allows this process {}", megabytes(bytes)))
    }
    #[cfg(not(unix))]
    None
}

/// The limit of processor time for this process and its workers, in words.
pub(crate) fn time_limit_in_words() -> Option<String> {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Cpu).current;
        limit
            .map(|seconds| format!("`ulimit -t` allows this process {seconds} s of processor time"))
    }
    #[cfg(not(unix))]
    None
}

fn megabytes(bytes: u64) -> String {
    // Kilobytes show the difference between limits that are far too low.
    match bytes {
        0..10_000_000 => format!("{} KB of address space", bytes / 1000),
        _ => format!("{} MB of address space", bytes / 1_000_000),
    }
}

/// Adds the limit of address space to the error of a task, if the limit is the likely cause.
pub(crate) fn with_memory_limit(mut kind: TaskErrorKind) -> TaskErrorKind {
    // Parts of the messages of std and C libraries for failed allocations and failed starts of threads, which need
    // memory, too.
    const SIGNS: [&str; 6] = [
        "AllocError",
        "(os error 12)",
        "annot allocate memory",
        "memory allocation",
        "(os error 11)",
        "Resource temporarily unavailable",
    ];
    let is_about_memory = |text: &str| SIGNS.iter().any(|sign| text.contains(sign));
    if let TaskErrorKind::Failed { sources, .. } = &mut kind
        && sources.iter().any(|source| is_about_memory(source))
    {
        sources.extend(memory_limit_in_words(MEMORY_LIMIT.get().copied()));
    } else if let TaskErrorKind::Failed { message, .. } | TaskErrorKind::Panicked { message, .. } =
        &mut kind
        && is_about_memory(message)
        && let Some(limit) = memory_limit_in_words(MEMORY_LIMIT.get().copied())
    {
        message.extend(["; ", &limit]);
    }
    kind
}

/// Whether the cause of an error is that this process has no descriptor left.
pub(crate) fn is_about_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // `BADF`, because ipc-channel continues to use a descriptor that it failed to get.
        let errors = [Errno::MFILE, Errno::BADF].map(Errno::raw_os_error);
        error.raw_os_error().is_some_and(|it| errors.contains(&it))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The reason why the system refused shared memory. `error` is the last error of the system.
pub(crate) fn shortage(error: &io::Error) -> String {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NFILE.raw_os_error()) {
        return "the system has no open file left (`sysctl fs.file-max`)".into();
    }
    if is_about_descriptors(error) || !has_room_for_files(1) {
        return no_descriptor();
    }
    if let Some(limit) = memory_limit_in_words(MEMORY_LIMIT.get().copied()) {
        return format!(
            "memory is exhausted: {limit}, and a large result takes its size up to four times: as a value, encoded, \
             and mapped for sending and for receiving"
        );
    }
    #[cfg(target_os = "linux")]
    if let Some((mappings, most)) = mappings()
        && mappings + 16 > most
    {
        return format!(
            "memory is exhausted: this process has {mappings} mappings of memory, and the system allows {most} \
             (`sysctl vm.max_map_count`)"
        );
    }
    "memory is exhausted".into()
}

/// The reason why the system cannot start a program that it is already running.
pub(crate) const EMULATED: &str = "the system cannot start this program by itself: under an emulator such as qemu-user, it has to \
     be told which one to use (binfmt_misc)";

/// The reason why the system refused a process or a thread, with the limit that is the likely cause.
pub(crate) fn refused(error: &io::Error) -> String {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        use rustix::process::{Resource, getrlimit};
        let memory = memory_limit_in_words(MEMORY_LIMIT.get().copied());
        let limits = match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::AGAIN) => {
                let processes = getrlimit(Resource::Nproc).current;
                let processes = processes.map(|most| {
                    format!("`ulimit -u` allows this user {most} processes and threads")
                });
                let others =
                    "a container, a service (`pids.max`) or the system may have a limit too";
                let others = Some(others.to_owned());
                processes.into_iter().chain(memory).chain(others).collect()
            }
            Some(Errno::NOMEM) => Vec::from_iter(memory),
            Some(Errno::MFILE) => vec![no_descriptor()],
            Some(Errno::NOEXEC) => vec![EMULATED.to_owned()],
            _ => Vec::new(),
        };
        if !limits.is_empty() {
            return format!("{error}: {}", limits.join(", and "));
        }
    }
    error.to_string()
}

/// The message if an allocation of so many bytes failed.
pub(crate) fn no_memory(bytes: usize) -> String {
    match memory_limit_in_words(MEMORY_LIMIT.get().copied()) {
        Some(limit) => format!("no memory is left for {bytes} bytes: {limit}"),
        None => format!("no memory is left for {bytes} bytes"),
    }
}

/// The message if there is no free descriptor.
pub(crate) fn no_descriptor() -> String {
    match open_files() {
        Some(limit) => format!(
            "no descriptor is left for it: `ulimit -n` allows this process {limit} open files"
        ),
        None => "no descriptor is left for it".into(),
    }
}

/// The number of memory mappings of this process, and the largest number that the system allows.
#[cfg(target_os = "linux")]
fn mappings() -> Option<(usize, usize)> {
    let most = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    let mappings = std::fs::read_to_string("/proc/self/maps").ok()?;
    Some((mappings.lines().count(), most.trim().parse().ok()?))
}

/// Fails, with the limit, if shared memory of this size would exceed the limit on the size of files. The system
/// counts shared memory as a file, and would kill this process with SIGXFSZ.
pub(crate) fn check_file_size(bytes: usize) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
        if let Some(limit) = limit.filter(|&limit| (bytes as u64) > limit) {
            return Err(format!(
                "it takes {bytes} bytes of shared memory, which the system counts as a file, and `ulimit -f` allows \
                 this process files of {limit} bytes"
            ));
        }
    }
    let _ = bytes;
    Ok(())
}

/// The number of files that this process may have open at a time; none if there is no limit.
pub(crate) fn open_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// Raises this process's limit on open files by `more`, if the system allows it.
///
/// The limit is raised only as far as needed, because programs that tasks start inherit it. Some programs close every
/// number below the limit. Others, such as those that use `select`, fail with numbers from 1,024 on.
pub(crate) fn make_room_for_files(more: u64) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let Some(limit) = current else { return };
        let wanted = limit.saturating_add(more);
        let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        if raised > limit {
            let current = Some(raised);
            // If the system refuses, then either the present limit suffices or a later error reports it.
            let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
        }
    }
    #[cfg(not(unix))]
    let _ = more;
}

/// Whether `more` files can be opened, judged by the lowest free descriptor.
pub(crate) fn has_room_for_files(more: u64) -> bool {
    #[cfg(unix)]
    return lowest_descriptor()
        .is_some_and(|lowest| open_files().is_none_or(|limit| lowest + more <= limit));
    #[cfg(not(unix))]
    {
        let _ = more;
        true
    }
}

/// The lowest free descriptor number; none if there is none.
#[cfg(unix)]
fn lowest_descriptor() -> Option<u64> {
    use std::os::fd::AsRawFd;
    #[cfg(target_os = "linux")]
    let descriptor = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).ok()?;
    #[cfg(not(target_os = "linux"))]
    let descriptor = std::os::unix::net::UnixDatagram::unbound().ok()?;
    u64::try_from(descriptor.as_raw_fd()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn limits_have_names_and_other_errors_are_left_alone() {
        let refused = |code| refused(&io::Error::from_raw_os_error(code));
        assert!(refused(libc::EAGAIN).contains("(`pids.max`)"));
        assert!(refused(libc::ENOEXEC).contains("binfmt_misc"));
        let other = io::Error::from_raw_os_error(libc::ENOENT).to_string();
        assert_eq!(refused(libc::ENOENT), other);
    }
}
