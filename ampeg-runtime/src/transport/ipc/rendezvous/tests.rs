//! Starts of processes under disturbances.
//!
//! The started processes are this test program, which runs only the test that plays the worker.

use super::relay::{Relay, write_hello};
use super::{Arrival, Hello, Invitation, Rendezvous, say};
use crate::run::cluster::Exit;
use crate::sys;
use crate::testing::{Deadline, alone};
use crate::transport::ipc::ToWorkerProcess;
use crate::transport::ipc::parcel::{Parcel, receive};
use crate::transport::output::WorkerOutput;
use crate::transport::process::Process;
use crate::transport::setup;
use ipc_channel::ipc::{self, IpcReceiver, IpcSharedMemory};
use rustix::io::{FdFlags, fcntl_getfd, write};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The variables with the role of a process and its invitation.
const ROLE: &str = "AMPEG_TEST_ROLE";
const INVITATION: &str = "AMPEG_TEST_INVITATION";

/// An event of one process, on the coordinator's side.
#[derive(Debug)]
enum News {
    Said(Result<Arrival, String>),
    Exited(Exit),
}

fn start(rendezvous: &Rendezvous, role: &str) -> io::Result<(Process, Receiver<News>)> {
    let (sender, news) = channel();
    let exited = sender.clone();
    let process = rendezvous.start(
        |invitation| {
            spawn(role, invitation, move |exit| {
                drop(exited.send(News::Exited(exit)));
            })
        },
        move |arrival| drop(sender.send(News::Said(arrival))),
    )?;
    Ok((process, news))
}

fn spawn(
    role: &str,
    invitation: Invitation,
    on_exit: impl FnOnce(Exit) + Send + 'static,
) -> io::Result<Process> {
    let mut command = Command::new("/proc/self/exe");
    let test = concat!(module_path!(), "::plays_the_worker");
    let (_, test) = test.split_once("::").unwrap();
    command
        .args([test, "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(INVITATION, invitation.address)
        .stdin(invitation.stdin)
        .stdout(Stdio::null());
    let output = WorkerOutput::new(Box::new(|| ()), setup::Output::Inherited).unwrap();
    Process::spawn(&mut command, &output, on_exit)
}

/// Starts a worker, checks its hello, and lets it end.
fn start_and_end(rendezvous: &Rendezvous) {
    let (_, news) = start(rendezvous, "worker").unwrap();
    let Ok(News::Said(Ok(arrival))) = news.recv() else {
        panic!("no hello");
    };
    assert_eq!(arrival.hello.progress[0], 7);
    // Both senders are dropped, so the worker ends.
    drop(arrival);
    match news.recv() {
        Ok(News::Exited(exit)) => assert_eq!(exit.code, Some(40), "{exit:?}"),
        other => panic!("{other:?}"),
    }
    assert!(news.recv().is_err(), "an event came twice");
}

/// Ends the threads of a test when it is dropped, even if the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn plays_the_worker() {
    let Some(role) = std::env::var_os(ROLE) else {
        return;
    };
    let invitation = std::env::var(INVITATION).unwrap();
    let code = match role.to_str().unwrap() {
        "worker" => play(&invitation, sys::build()),
        "another build" => play(&invitation, sys::build() ^ 1),
        "early" => 3,
        "silent" => {
            assert_eq!(io::stdin().read(&mut [0]).unwrap(), 0, "stdin is empty");
            loop {
                thread::park();
            }
        }
        "no hello" => {
            say_no_hello();
            41
        }
        "random" => {
            write(rustix::stdio::stdin(), &[3; 100]).unwrap();
            42
        }
        "hang up" => {
            let null = fs::File::open("/dev/null").unwrap();
            rustix::stdio::dup2_stdin(null).unwrap();
            43
        }
        // Sends something else than a hello, creates a file with this name, and waits.
        file => {
            say_no_hello();
            fs::write(file, "").unwrap();
            loop {
                thread::park();
            }
        }
    };
    std::process::exit(code);
}

fn play(invitation: &str, build: u64) -> i32 {
    let (hello, receiver) = hello(build);
    say(invitation, hello).unwrap();
    assert_eq!(io::stdin().read(&mut [0]).unwrap(), 0, "stdin is empty");
    while receive(&receiver).is_some() {}
    40
}

type Inbound = Parcel<ToWorkerProcess>;

fn hello(build: u64) -> (Hello, IpcReceiver<Inbound>) {
    let (inbound, receiver) = ipc::channel().unwrap();
    let (lifeline, _end) = ipc::channel().unwrap();
    let hello = Hello {
        build,
        inbound,
        lifeline,
        progress: IpcSharedMemory::from_byte(7, 16),
    };
    (hello, receiver)
}

/// A whole message without descriptors.
fn say_no_hello() {
    let mut bytes = Vec::new();
    bytes.extend((2 * size_of::<usize>() + 3).to_ne_bytes());
    bytes.extend(3_usize.to_ne_bytes());
    bytes.extend([1, 2, 3]);
    write(rustix::stdio::stdin(), &bytes).unwrap();
}

/// Checks the numbers of descriptors and threads of this process, after ending threads have ended.
fn check_nothing_is_left(descriptors: usize, threads: usize) {
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    while count("/proc/self/fd") != descriptors || count("/proc/self/task") != threads {
        thread::yield_now();
    }
}

fn counts() -> (usize, usize) {
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

#[test]
fn process_says_hello_and_leaves_nothing_behind() {
    alone(
        module_path!(),
        "process_says_hello_and_leaves_nothing_behind",
        &[],
        || {
            let _deadline = Deadline::seconds("hello", 60);
            // What ipc-channel keeps for ever is created before the first count.
            drop(Rendezvous::open().unwrap());
            let (descriptors, threads) = counts();
            let rendezvous = Rendezvous::open().unwrap();
            assert_eq!(counts(), (descriptors + 3, threads + 1));
            for _ in 0..20 {
                start_and_end(&rendezvous);
            }
            drop(rendezvous);
            check_nothing_is_left(descriptors, threads);
        },
    );
}

#[test]
fn first_descriptor_of_a_hello_is_its_inbound_channel() {
    let _deadline = Deadline::seconds("descriptors", 60);
    let relay = Relay::open().unwrap();
    let (hello, receiver) = hello(sys::build());
    let arrival = relay.read(write_hello(hello).unwrap()).unwrap();
    assert!(
        fcntl_getfd(&arrival.socket)
            .unwrap()
            .contains(FdFlags::CLOEXEC)
    );
    // No peers and epoch 0, as ipc-channel sends them: two lengths, then a message of three bytes.
    let mut bytes = Vec::new();
    bytes.extend((2 * size_of::<usize>() + 3).to_ne_bytes());
    bytes.extend(3_usize.to_ne_bytes());
    bytes.extend([1, 0, 0]);
    write(&arrival.socket, &bytes).unwrap();
    let message: Option<Result<ToWorkerProcess, _>> = receive(&receiver);
    assert!(
        matches!(&message, Some(Ok(ToWorkerProcess::Peers { peers, .. })) if peers.is_empty()),
        "{message:?}"
    );
}

#[test]
fn process_that_says_nothing_delays_no_other() {
    let _deadline = Deadline::seconds("silence", 60);
    let rendezvous = Rendezvous::open().unwrap();
    let (silent, news) = start(&rendezvous, "silent").unwrap();
    for _ in 0..5 {
        start_and_end(&rendezvous);
    }
    rendezvous.forget(silent.pid());
    Process::end_all([&silent], Instant::now());
    match news.recv() {
        Ok(News::Exited(exit)) => assert_eq!(exit.signal, Some(9)),
        other => panic!("{other:?}"),
    }
    assert!(news.recv().is_err());
}

#[test]
fn hello_before_the_start_returns_is_received() {
    let _deadline = Deadline::seconds("early bird", 60);
    let rendezvous = Rendezvous::open().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let (sender, said) = channel();
    let (exited, _exits) = channel();
    let process = rendezvous.start(
        |invitation| {
            let exited = move |exit| drop(exited.send(exit));
            let process = spawn(file.to_str().unwrap(), invitation, exited)?;
            while !file.exists() {
                thread::yield_now();
            }
            Ok(process)
        },
        move |arrival| drop(sender.send(arrival)),
    );
    let said = said.recv().unwrap();
    assert_eq!(said.unwrap_err(), "its message is not a hello");
    Process::end_all([&process.unwrap()], Instant::now());
}

#[test]
fn hello_without_free_descriptors_is_received_later() {
    let test = "hello_without_free_descriptors_is_received_later";
    alone(module_path!(), test, &[], || {
        let _deadline = Deadline::seconds("descriptors", 60);
        let few = rustix::process::Rlimit {
            current: Some(100),
            maximum: Some(100),
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        let rendezvous = Rendezvous::open().unwrap();
        start_and_end(&rendezvous);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("said");
        let (process, news) = start(&rendezvous, file.to_str().unwrap()).unwrap();
        let files: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        assert!(files.len() > 50);
        while !file.exists() {
            thread::yield_now();
        }
        drop(files);
        let said = news.recv().unwrap();
        assert!(
            matches!(&said, News::Said(Err(why)) if why == "its message is not a hello"),
            "{said:?}"
        );
        Process::end_all([&process], Instant::now());
    });
}

#[test]
fn process_that_ends_early_is_reported_by_its_exit() {
    let _deadline = Deadline::seconds("early end", 60);
    let rendezvous = Rendezvous::open().unwrap();
    for (role, code) in [("early", 3), ("hang up", 43)] {
        let (process, news) = start(&rendezvous, role).unwrap();
        match news.recv() {
            Ok(News::Exited(exit)) => assert_eq!(exit.code, Some(code), "{role}"),
            other => panic!("{role}: {other:?}"),
        }
        rendezvous.forget(process.pid());
        assert!(news.recv().is_err(), "{role}");
    }
}

#[test]
fn message_that_is_not_a_hello_is_reported_with_the_reason() {
    let _deadline = Deadline::seconds("no hello", 60);
    let rendezvous = Rendezvous::open().unwrap();
    for (role, why) in [
        ("no hello", "its message is not a hello"),
        ("random", "its message is not valid"),
        ("another build", "it is another build of this program"),
    ] {
        let (_, news) = start(&rendezvous, role).unwrap();
        // The process may have ended before its message is read.
        let (mut reasons, mut n_exits) = (Vec::new(), 0);
        for news in news {
            match news {
                News::Said(said) => reasons.push(said.unwrap_err()),
                News::Exited(_) => n_exits += 1,
            }
        }
        assert_eq!((&*reasons, n_exits), (&[why.to_owned()][..], 1));
    }
}

#[test]
fn starts_that_fail_leave_the_rendezvous_as_it_was() {
    let _deadline = Deadline::seconds("failed start", 60);
    let rendezvous = Rendezvous::open().unwrap();
    let (sender, arrivals) = channel::<Result<Arrival, String>>();
    let failed = rendezvous.start(
        |_| Err(io::Error::other("no")),
        move |arrival| drop(sender.send(arrival)),
    );
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert!(arrivals.recv().is_err());
    start_and_end(&rendezvous);
}

#[test]
fn processes_of_the_program_inherit_no_socket() {
    alone(
        module_path!(),
        "processes_of_the_program_inherit_no_socket",
        &[],
        || {
            let _deadline = Deadline::seconds("inheritance", 300);
            let is_over = AtomicBool::new(false);
            let n_starts = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while !is_over.load(Ordering::Relaxed) {
                            start_and_end(&Rendezvous::open().unwrap());
                            n_starts.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                let _over = Over(&is_over);
                for _ in 0..300 {
                    let mut list = Command::new("ls");
                    let output = list.args(["-l", "/proc/self/fd"]).output().unwrap();
                    let text = String::from_utf8_lossy(&output.stdout);
                    assert!(
                        text.contains("/dev/null") || text.contains("pipe:"),
                        "{text}"
                    );
                    assert!(!text.contains("socket"), "{text}");
                }
            });
            assert!(n_starts.into_inner() > 10);
        },
    );
}

#[test]
fn works_without_a_folder_for_temporary_files() {
    let test = "works_without_a_folder_for_temporary_files";
    let missing = ("TMPDIR", "/no/such/folder".as_ref());
    alone(module_path!(), test, &[missing], || {
        let _deadline = Deadline::seconds("no temporary folder", 60);
        start_and_end(&Rendezvous::open().unwrap());
    });
}

#[test]
fn sockets_are_found_while_others_come_and_go() {
    let _deadline = Deadline::seconds("sockets", 60);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop(ipc::channel::<u8>().unwrap());
                    let _ = fs::read_dir("/proc/self/fd").map(Iterator::count);
                }
            });
        }
        let _over = Over(&is_over);
        for _ in 0..200 {
            let relay = Relay::open().unwrap();
            let (hello, _receiver) = hello(sys::build());
            assert_eq!(
                relay
                    .read(write_hello(hello).unwrap())
                    .unwrap()
                    .hello
                    .progress[0],
                7
            );
        }
    });
}

/// Whether this thread or process blocks SIGUSR1.
fn blocks_signals(folder: &Path) -> bool {
    let status = fs::read_to_string(folder.join("status")).unwrap();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let blocked = u64::from_str_radix(blocked.unwrap().trim(), 16).unwrap();
    blocked & 1 << 9 != 0
}

#[test]
fn signals_reach_the_program_and_its_workers_but_no_thread_of_ours() {
    let test = "signals_reach_the_program_and_its_workers_but_no_thread_of_ours";
    alone(module_path!(), test, &[], || {
        let _deadline = Deadline::seconds("signals", 60);
        let rendezvous = Rendezvous::open().unwrap();
        let (process, _news) = start(&rendezvous, "silent").unwrap();
        let threads = || {
            let threads = fs::read_dir("/proc/self/task").unwrap();
            threads.map(|thread| thread.unwrap().path())
        };
        let is_ours = |thread: &PathBuf| {
            let name = fs::read_to_string(thread.join("comm")).unwrap();
            name.starts_with("ampeg ")
        };
        // The threads that accept, pass on output and watch. A thread sets its name itself.
        while threads().filter(is_ours).count() < 3 {
            thread::yield_now();
        }
        // The C library blocks signals for a moment while it starts a thread.
        while !threads().all(|thread| blocks_signals(&thread) == is_ours(&thread)) {
            thread::yield_now();
        }
        let worker = format!("/proc/{}", process.pid());
        while blocks_signals(worker.as_ref()) {
            thread::yield_now();
        }
        Process::end_all([&process], Instant::now());
    });
}

#[test]
fn interrupted_calls_are_done_again() {
    alone(
        module_path!(),
        "interrupted_calls_are_done_again",
        &[],
        || {
            let _deadline = Deadline::seconds("interruptions", 120);
            sys::interrupt_calls();
            let (is_over, n_signals) = (AtomicBool::new(false), AtomicUsize::new(0));
            thread::scope(|scope| {
                scope.spawn(|| {
                    let this = rustix::process::getpid();
                    while !is_over.load(Ordering::Relaxed) {
                        rustix::process::kill_process(this, rustix::process::Signal::USR1).unwrap();
                        n_signals.fetch_add(1, Ordering::Relaxed);
                        // The pace of the signals: without it, their handler would take all the time.
                        thread::sleep(Duration::from_micros(500));
                    }
                });
                let _over = Over(&is_over);
                for _ in 0..50 {
                    start_and_end(&Rendezvous::open().unwrap());
                }
            });
            println!("{n_signals:?} signals");
            assert!(n_signals.into_inner() > 50);
        },
    );
}

#[test]
fn program_that_ignores_its_children_can_start_some() {
    alone(
        module_path!(),
        "program_that_ignores_its_children_can_start_some",
        &[],
        || {
            let _deadline = Deadline::seconds("ignored children", 60);
            sys::ignore_children();
            let rendezvous = Rendezvous::open().unwrap();
            let (_, news) = start(&rendezvous, "early").unwrap();
            assert!(matches!(news.recv(), Ok(News::Exited(exit)) if exit.code.is_none()));
            let (_, news) = start(&rendezvous, "worker").unwrap();
            assert!(matches!(news.recv(), Ok(News::Said(Ok(_)))));
            assert!(matches!(news.recv(), Ok(News::Exited(exit)) if exit.code.is_none()));
            assert!(news.recv().is_err());
        },
    );
}
