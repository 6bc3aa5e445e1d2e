//! Ends of workers, and messages about early ends.

#![allow(
    unsafe_code,
    reason = "constructors, handlers of exits, and signals that kill"
)]

use crate::isolated::isolated;
use ampeg::{Pool, TaskErrorKind, graph};
use std::sync::atomic::{AtomicU32, Ordering};

static CONSTRUCTED: AtomicU32 = AtomicU32::new(0);

extern "C" fn construct() {
    CONSTRUCTED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: `end` may be called at any exit.
    unsafe { libc::atexit(end) };
}

/// If the linker sorts all constructors by number, this one comes after those without a number.
#[used]
#[unsafe(link_section = ".init_array.70000")]
static CONSTRUCTOR: extern "C" fn() = construct;

extern "C" fn end() {
    if let Some(folder) = std::env::var_os("AMPEG_TEST_ENDS") {
        let id = std::process::id().to_string();
        // If this fails, the test notices that the file is missing.
        let _ = std::fs::write(std::path::Path::new(&folder).join(id), "");
    }
}

#[test]
fn workers_run_every_constructor_once() {
    isolated(|| {
        let graph = graph! { x[i in 0..4] = CONSTRUCTED.load(Ordering::SeqCst); };
        assert_eq!(graph.run(4).unwrap().x, vec![Ok(1); 4]);
    });
}

#[test]
fn workers_run_handlers_of_exits() {
    isolated(|| {
        let folder = std::env::temp_dir().join("ends");
        std::fs::create_dir(&folder).unwrap();
        // SAFETY: no other thread of this process reads or writes the environment now.
        unsafe { std::env::set_var("AMPEG_TEST_ENDS", &folder) };
        let pool = Pool::new(3).unwrap();
        let graph = graph! { x[i in 0..9] = std::process::id(); };
        pool.run(&graph).unwrap().into_values().unwrap();
        drop(pool);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
        // SAFETY: as above.
        unsafe { std::env::remove_var("AMPEG_TEST_ENDS") };
        std::fs::remove_dir_all(folder).unwrap();
    });
}

fn raise(signal: i32) {
    // SAFETY: without a handler, the signal ends this process or does nothing.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

#[test]
fn signals_that_end_a_worker_have_names() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let known = [
            (libc::SIGBUS, "SIGBUS, a mapped file was cut short"),
            (libc::SIGSYS, "SIGSYS, a sandbox"),
            (libc::SIGUSR1, "SIGUSR1"),
            (libc::SIGRTMIN() + 2, "SIGRTMIN+2"),
        ];
        for (signal, name) in known {
            let outcome = pool.run(&graph! { a = raise(signal); b = 1; }).unwrap();
            let error = outcome.a.as_ref().unwrap_err().to_string();
            assert!(
                error.contains(&format!("signal {signal} ({name}")),
                "{error}"
            );
            assert_eq!(outcome.b, Ok(1));
        }
    });
}

fn touch_behind_the_end(path: &std::path::Path) -> u8 {
    use std::os::fd::AsRawFd;
    let options = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path);
    let file = options.unwrap();
    // SAFETY: the mapping stays. The test wants the signal of a read after the end of the file.
    unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            10_000,
            libc::PROT_READ,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        );
        file.set_len(0).unwrap();
        at.cast::<u8>().add(5_000).read_volatile()
    }
}

#[test]
fn mapped_file_that_is_cut_short_is_a_usual_cause() {
    isolated(|| {
        let path = std::env::temp_dir().join("mapped");
        std::fs::write(&path, vec![1; 10_000]).unwrap();
        let outcome = graph! { a = touch_behind_the_end(&path); }.run(1).unwrap();
        let error = outcome.a.as_ref().unwrap_err().to_string();
        assert!(error.contains("(SIGBUS, a mapped file"), "{error}");
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn end_that_the_program_has_waited_for_itself_is_unknown() {
    isolated(|| {
        // SAFETY: no handler is set.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        let outcome = graph! { a: u8 = std::process::abort(); b = 1; }
            .run(1)
            .unwrap();
        let error = outcome.a.as_ref().unwrap_err();
        let is_unknown = matches!(
            error.kind(),
            TaskErrorKind::Crashed {
                signal: None,
                exit_code: None,
                ..
            }
        );
        assert!(is_unknown, "{error:?}");
        assert!(error.to_string().contains("SIGCHLD"), "{error}");
        assert_eq!(outcome.b, Ok(1));
    });
}
