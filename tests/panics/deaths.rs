//! Panics that end their process.

use crate::isolated::{Written, as_program, isolated};
use ampeg::{Pool, TaskErrorKind, graph};

extern "C" fn called_by_c() {
    panic!("cannot be called")
}

fn in_a_callback() -> i32 {
    called_by_c();
    1
}

struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("second, in a destructor");
    }
}

fn in_a_destructor() -> i32 {
    let _fragile = Fragile;
    panic!("first, in the body")
}

fn panics<T: std::fmt::Debug>(result: &Result<T, ampeg::TaskError>) -> Vec<String> {
    match result.as_ref().unwrap_err().kind() {
        TaskErrorKind::Crashed { panics, .. } => panics.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn panic_that_cannot_unwind_is_reported_in_the_error() {
    isolated(|| {
        let graph = graph! { a = in_a_callback(); b = in_a_destructor(); };
        let outcome = graph.run(2).unwrap();
        let found = panics(&outcome.a);
        assert!(
            found[0].contains("deaths.rs:7:5: cannot be called"),
            "{found:?}"
        );
        assert!(found.last().unwrap().contains("cannot unwind"), "{found:?}");
        let found = panics(&outcome.b);
        assert!(found[0].ends_with(": first, in the body"), "{found:?}");
        assert!(found[1].ends_with(": second, in a destructor"), "{found:?}");
        let text = outcome.a.as_ref().unwrap_err().to_string();
        assert!(
            text.contains("; it panicked at tests/panics/deaths.rs:7:5: cannot be called, then"),
            "{text}"
        );
    });
}

#[test]
fn panic_of_an_earlier_task_or_attempt_is_not_reported() {
    fn panic_then_abort(is_first: bool) -> i32 {
        assert!(!is_first, "the first attempt");
        std::process::abort()
    }
    isolated(|| {
        let file = std::env::temp_dir().join("tries");
        let path = file.to_str().unwrap().to_owned();
        let graph = graph! {
            before: i32 = panic!("another task");
            crash = {
                let is_first = std::fs::create_dir(&path).is_ok();
                panic_then_abort(is_first)
            } retry 1;
        };
        let outcome = graph.run(1).unwrap();
        std::fs::remove_dir(file).unwrap();
        assert_eq!(outcome.crash.as_ref().unwrap_err().attempt(), 2);
        assert!(panics(&outcome.crash).is_empty());
    });
}

#[test]
fn panic_in_a_thread_of_a_task_that_dies_is_reported() {
    fn die_by_thread() -> i32 {
        let _ = std::thread::spawn(|| panic!("in a thread")).join();
        std::process::abort()
    }
    isolated(|| {
        let outcome = graph! { a = die_by_thread(); }.run(1).unwrap();
        assert!(panics(&outcome.a)[0].ends_with(": in a thread"));
    });
}

/// Runs the task on threads or inline, where a panic that cannot unwind ends the program.
fn run_without_processes(calls_back: bool) {
    let graph = graph! { a = if calls_back { in_a_callback() } else { in_a_destructor() }; };
    let outcome = if std::env::var("ENGINE").unwrap() == "inline" {
        graph.run_inline()
    } else {
        let pool = Pool::builder().threads(1).build().unwrap();
        pool.run(&graph)
    };
    unreachable!("{:?}", outcome.map(|outcome| outcome.a.clone()));
}

fn dies_with(written: &Written, texts: &[&str]) {
    assert!(!written.status.success());
    for text in texts {
        assert!(written.stderr.contains(text), "{text}\n{written}");
    }
}

#[test]
fn panic_that_ends_the_program_is_printed() {
    for engine in ["inline", "threads"] {
        as_program(
            || run_without_processes(true),
            |command| _ = command.env("ENGINE", engine),
            |written| dies_with(&written, &["deaths.rs:7:5", "cannot be called"]),
        );
    }
}

#[test]
fn all_panics_that_end_the_program_are_printed() {
    for engine in ["inline", "threads"] {
        as_program(
            || run_without_processes(false),
            |command| _ = command.env("ENGINE", engine),
            |written| dies_with(&written, &["first, in the body", "second, in a destructor"]),
        );
    }
}
