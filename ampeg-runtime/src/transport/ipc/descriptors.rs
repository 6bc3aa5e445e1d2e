//! Checks that this process may open enough files.
//!
//! ipc-channel panics when it runs out of descriptors half-way, and loses those that a message brought along for good.
//! So they are counted before a worker is started, while nothing is at stake.

use ampeg_schedule::Error;

/// Descriptors that a worker takes while it is being started: the pipes of its stdout and stderr, its connection, and
/// its two channels and its progress, as they come in and as ipc-channel takes them over.
const PER_WORKER: usize = 9;
/// Descriptors beyond that: what starting a process takes for a moment, the coordinator's own channel, the rendezvous,
/// what watches the workers' output, and what other threads of the program and the first large
/// results may take meanwhile.
const SPARE: usize = 25;

/// Raises the limit of open files if that is needed and allowed; fails, with what to do, if this process may not open as many files as it takes to start so many workers.
///
/// A worker inherits the limit, and needs fewer.
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

/// How many descriptors are left, as far as that matters: so many are opened, and closed again.
#[cfg(unix)]
fn count_up_to(needed: usize) -> usize {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    let Ok((first, second)) = UnixStream::pair() else {
        // The pair needs two; one is as good as none.
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
    fn more_than_there_can_be_is_an_error_that_says_what_to_do() {
        // All descriptors of the process are taken for a moment, so no other test may run in it.
        let test = "more_than_there_can_be_is_an_error_that_says_what_to_do";
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
