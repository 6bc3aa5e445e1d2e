//! Callers without an output, and processes that keep a worker's pipe open.

use crate::isolated::{as_program, isolated};
use crate::support::kill;
use ampeg::{Pool, graph};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

fn print_much() -> usize {
    for n in 0..10_000 {
        println!("to stdout {n}");
        eprintln!("to stderr {n}");
    }
    1
}

#[test]
fn nobody_need_read_what_tasks_print() {
    let body = || {
        let pool = Pool::new(2).unwrap();
        let graph = graph! { a = print_much(); b = print_much(); };
        for _ in 0..2 {
            let outcome = pool.run(&graph).unwrap();
            assert_eq!((&outcome.a, &outcome.b), (&Ok(1), &Ok(1)));
        }
        assert!(pool.start(&graph).unwrap().wait().unwrap().b.is_ok());
        std::process::exit(7);
    };
    as_program(
        body,
        |command| {
            // A pipe that nobody reads any more.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stdout(Stdio::piped()).stderr(writer);
        },
        |written| assert_eq!(written.status.code(), Some(7), "{written}"),
    );
}

#[test]
fn disk_may_be_full() {
    as_program(
        || {
            assert_eq!(graph! { a = print_much(); }.run(1).unwrap().a, Ok(1));
            std::process::exit(7);
        },
        |command| {
            let full = File::options().write(true).open("/dev/full").unwrap();
            command.stderr(full);
        },
        |written| assert_eq!(written.status.code(), Some(7), "{written}"),
    );
}

#[test]
fn caller_may_hold_the_lock_of_its_stdout() {
    as_program(
        || {
            let mut out = std::io::stdout().lock();
            writeln!(out, "\nbefore").unwrap();
            let pool = Pool::new(1).unwrap();
            let graph = graph! { a = { println!("task"); 1 }; };
            assert_eq!(pool.run(&graph).unwrap().a, Ok(1));
            writeln!(out, "after").unwrap();
            let run = pool.start(&graph).unwrap();
            assert_eq!(run.wait().unwrap().a, Ok(1));
        },
        |_| (),
        |written| {
            assert!(written.status.success(), "{written}");
            let ordered = written.stdout.contains("before\ntask\nafter\n");
            assert!(ordered, "{written}");
        },
    );
}

/// Starts a process that keeps the pipes of its worker open for longer than the worker lives.
fn start_child() -> std::io::Result<i32> {
    let child = Command::new("sleep").arg("3600").spawn()?;
    println!("started");
    Ok(i32::try_from(child.id()).unwrap())
}

#[test]
fn process_that_a_task_has_started_delays_no_run() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let first = pool.run(&graph! { child = start_child()?; }).unwrap();
        let second = pool.run(&graph! { child = start_child()?; }).unwrap();
        assert!(
            pool.run(&graph! { a: i32 = std::process::abort(); })
                .unwrap()
                .a
                .is_err()
        );
        drop(pool);
        for child in [&first.child, &second.child] {
            kill(child.clone().unwrap());
        }
    });
}

fn print_without_end() -> i32 {
    loop {
        println!("and so on");
        eprintln!("and so on");
    }
}

#[test]
fn task_that_prints_without_end_can_be_ended() {
    as_program(
        || {
            let second = std::time::Duration::from_secs(1);
            let pool = Pool::new(2).unwrap();
            let graph = graph! { a = print_without_end() within second; b = 1; };
            let outcome = pool.run(&graph).unwrap();
            assert!(outcome.a.is_err() && outcome.b == Ok(1));
            // A thread that a task leaves behind does not delay a run, either.
            let graph = graph! { a = { std::thread::spawn(print_without_end); 1 }; };
            for _ in 0..3 {
                assert_eq!(pool.run(&graph).unwrap().a, Ok(1));
            }
            drop(pool);
            std::process::exit(7);
        },
        |_| (),
        |written| {
            assert_eq!(written.status.code(), Some(7));
            assert!(written.stderr.lines().all(|line| line == "and so on"));
        },
    );
}
