//! Checks that this process may open enough files.
//!
//! ipc-channel panics if descriptors run out while it makes channels, and leaks the descriptors of a received message
//! then. So descriptors are counted before a worker is started.

use ampeg_schedule::Error;

/// The descriptors that the start of a worker takes: two pipes for its stdout and stderr, its connection, and its two
/// channels and its progress memory, each twice, as received and as ipc-channel duplicates them.
const PER_WORKER: usize = 9;
/// Descriptors that are needed only once: those of a process start, the coordinator's own channel, the rendezvous,
/// the readers of output, and some for other threads of the program and for the first large results.
const SPARE: usize = 25;

/// Raises the limit on open files if necessary and allowed. Fails if this process may not open as many files as the
/// start of `n_workers` workers takes. The error says what to do.
///
/// Workers inherit the limit, and need fewer descriptors.
pub(super) fn check(n_workers: usize) -> Result<(), Error> {
    check_for(n_workers, PER_WORKER * n_workers + SPARE)
}

#[cfg(unix)]
fn check_for(n_workers: usize, needed: usize) -> Result<(), Error> {
    use crate::base::run_error::RunErrorKind;
    use crate::sys::resources;
    use crate::value::segment::ROOM;
    let with_results = needed as u64 + ROOM;
    if !resources::has_room_for_files(with_results) {
        resources::make_room_for_files(with_results);
    }
    let left = count_up_to(needed);
    if left >= needed {
        return Ok(());
    }
    Err(RunErrorKind::TooFewDescriptors {
        workers: n_workers,
        needed,
        left,
        limit: resources::open_files(),
    }
    .into())
}

#[cfg(not(unix))]
fn check_for(_: usize, _: usize) -> Result<(), Error> {
    Ok(())
}

/// The number of free descriptors, up to `needed`. Opens and closes that many.
#[cfg(unix)]
fn count_up_to(needed: usize) -> usize {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    let Ok((first, second)) = UnixStream::pair() else {
        // The pair needs two descriptors. A single free one would not be enough either.
        return 0;
    };
    let more = (2..needed).map_while(|_| first.as_fd().try_clone_to_owned().ok());
    let more: Vec<_> = more.collect();
    drop(second);
    2 + more.len()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::alone;

    #[test]
    fn enough_for_some_workers_are_left() {
        check(2).unwrap();
        assert_eq!(count_up_to(10), 10);
    }

    #[test]
    fn too_few_descriptors_are_an_error_that_says_what_to_do() {
        // The test takes all descriptors of the process, so no other test may run in it.
        let test = "too_few_descriptors_are_an_error_that_says_what_to_do";
        alone(module_path!(), test, &[], || {
            use rustix::process::{Resource, Rlimit, setrlimit};
            let few = Rlimit {
                current: Some(200),
                maximum: Some(200),
            };
            setrlimit(Resource::Nofile, few).unwrap();
            let error = check_for(7, 201).unwrap_err().to_string();
            let start = "starting 7 worker processes takes 201 open files, ";
            assert!(error.starts_with(start), "{error}");
            assert!(error.contains("of 200 "), "{error}");
            assert!(error.contains("`ulimit -n`"), "{error}");
        });
    }
}
