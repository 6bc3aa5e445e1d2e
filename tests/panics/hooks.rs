//! Panic hooks of the program, set at any time.

use crate::isolated::{as_program, isolated};
use ampeg::{Pool, TaskError, TaskErrorKind, graph};
use std::fmt::Debug;
use std::panic::{catch_unwind, set_hook, take_hook};

fn set_own_hook() -> i32 {
    set_hook(Box::new(|info| eprintln!("(own hook: {info})")));
    1
}

/// The line where a task panicked.
fn line<T: Debug>(result: &Result<T, TaskError>) -> u32 {
    let error = result.as_ref().unwrap_err();
    let TaskErrorKind::Panicked { location, .. } = error.kind() else {
        panic!("{error}");
    };
    let location = location.as_ref().unwrap_or_else(|| panic!("{error}"));
    location.split(':').nth_back(1).unwrap().parse().unwrap()
}

#[test]
fn hook_that_the_program_sets_loses_no_location() {
    as_program(
        || {
            let graph = graph! { a: i32 = panic!("a value"); };
            let place = line!() - 1;
            for _ in 0..2 {
                assert_eq!(line(&graph.run_inline().unwrap().a), place);
                set_own_hook();
                assert_eq!(line(&graph.run_inline().unwrap().a), place);
                let threads = Pool::builder().threads(2).build().unwrap();
                assert_eq!(line(&threads.run(&graph).unwrap().a), place);
                drop(take_hook());
                set_own_hook();
                assert_eq!(line(&graph.run(1).unwrap().a), place);
            }
            assert!(catch_unwind(|| panic!("of the program")).is_err());
        },
        |command| _ = command.env("RUST_BACKTRACE", "0"),
        |written| {
            assert!(written.status.success(), "{written}");
            assert!(!written.stderr.contains("a value"), "{written}");
            assert!(
                written.stderr.contains("(own hook: panicked at"),
                "{written}"
            );
        },
    );
}

#[test]
fn hook_that_a_task_sets_loses_no_location() {
    isolated(|| {
        let graph = graph! { a = set_own_hook(); b: i32 = panic!("{a}"); c: i32 = { set_own_hook(); panic!("at once") }; };
        let place = line!() - 1;
        let outcome = graph.run(1).unwrap();
        assert_eq!([line(&outcome.b), line(&outcome.c)], [place; 2]);
        let outcome = graph.run_inline().unwrap();
        assert_eq!([line(&outcome.b), line(&outcome.c)], [place; 2]);
    });
}

#[test]
fn many_threads_panic_while_the_hook_is_set_again_and_again() {
    isolated(|| {
        let graph = graph! { a[i in 0..4]: i32 = panic!("{i}"); };
        let threads = Pool::builder().threads(4).build().unwrap();
        for _ in 0..200 {
            set_hook(Box::new(|_| ()));
            let outcome = threads.run(&graph).unwrap();
            assert!(outcome.a.iter().all(|a| line(a) > 0));
        }
    });
}
