//! Signals from a terminal to all processes of a program, including those that tasks start.

#![allow(unsafe_code, reason = "handlers of signals are set in no other way")]

use crate::isolated::isolated;
use crate::support::workers;
use ampeg::{Pool, graph};
use rustix::process::{Signal, getpgrp, kill_process_group};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// The signal that ends a process that sends this signal to itself.
fn signal_of_child(name: &str) -> Option<i32> {
    let script = format!("kill -{name} $$; exit 7");
    let status = Command::new("sh").args(["-c", &script]).status();
    status.unwrap().signal()
}

/// The same for a process that C code starts.
fn signal_of_child_in_c() -> i32 {
    // SAFETY: the text ends with a zero.
    let status = unsafe { libc::system(c"kill -INT $$; exit 7".as_ptr()) };
    libc::WTERMSIG(status)
}

#[test]
fn programs_that_tasks_start_have_the_usual_signals() {
    isolated(|| {
        // `nohup` and a shell's `&` start programs with some signals ignored, and children inherit this.
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP] {
            // SAFETY: no handler is set.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        let names = ["INT", "QUIT", "HUP", "PIPE", "TERM"];
        let graph = graph! { signal[i in 0..5] = signal_of_child(names[i]); in_c = signal_of_child_in_c(); };
        let values = graph.run(2).unwrap().into_values().unwrap();
        assert_eq!(values.signal, [2, 3, 1, 13, 15].map(Some));
        assert_eq!(values.in_c, libc::SIGINT);
    });
}

#[test]
fn workers_live_on_if_the_program_does() {
    extern "C" fn go_on(_: i32) {}
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let before = workers(&pool);
        for (number, signal) in [
            (libc::SIGINT, Signal::INT),
            (libc::SIGQUIT, Signal::QUIT),
            (libc::SIGHUP, Signal::HUP),
        ] {
            // SAFETY: the handler does nothing.
            unsafe { libc::signal(number, go_on as *const () as libc::sighandler_t) };
            kill_process_group(getpgrp(), signal).unwrap();
            assert_eq!(pool.run(&graph! { a = 1; b = a + 1; }).unwrap().b, Ok(2));
        }
        assert_eq!(workers(&pool), before);
    });
}

#[test]
fn task_writes_to_a_closed_pipe_as_usual() {
    isolated(|| {
        let graph = graph! {
            kind = {
                let (reader, mut writer) = std::io::pipe()?;
                drop(reader);
                std::io::Write::write_all(&mut writer, b"x").map_err(|error| error.kind()).is_err()
            };
        };
        assert_eq!(graph.run(1).unwrap().kind, Ok(true));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn lists_of_processes_show_the_programs_name_and_the_workers_number() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let program = std::env::args().next().unwrap();
        let program = std::path::Path::new(&program).file_name().unwrap();
        let program = program.to_string_lossy().into_owned();
        for (number, pid) in workers(&pool).into_iter().enumerate() {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
            let start = name.trim_end().strip_suffix(&format!(" {number}"));
            let start = start.unwrap_or_else(|| panic!("{name}"));
            assert!(program.starts_with(start) && start.len() >= 6, "{name}");
        }
        let arguments: Vec<_> = std::env::args().collect();
        let graph = graph! { same = std::env::args().collect::<Vec<_>>() == arguments; };
        assert_eq!(pool.run(&graph).unwrap().same, Ok(true));
    });
}
