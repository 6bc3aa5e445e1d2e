//! Graphs and pools at the end of a thread, a program or a panic.

#![allow(unsafe_code, reason = "exit handlers are set in no other way")]

use crate::isolated::{as_program, isolated};
use ampeg::{Pool, graph};
use std::cell::RefCell;
use std::panic::catch_unwind;
use std::thread::spawn;

/// Runs graphs when it is dropped.
struct Last(&'static str);

impl Drop for Last {
    fn drop(&mut self) {
        let list = vec![1_u64; 50_000];
        let graph = graph! { a = list.len(); b = vec![a; a]; c = b.len() + list.len(); d: i32 = panic!("a value"); };
        let on_processes = graph.run(2).unwrap();
        let pool = Pool::builder().threads(2).build().unwrap();
        let on_threads = pool.run(&graph).unwrap();
        for outcome in [on_processes, on_threads, graph.run_inline().unwrap()] {
            assert_eq!(outcome.c, Ok(100_000));
            assert!(outcome.d.is_err());
        }
        let pool = Pool::new(1).unwrap();
        assert!(pool.start(&graph).unwrap().wait().is_ok());
        println!("\nlast: {}", self.0);
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    static POOL: RefCell<Option<Pool>> = const { RefCell::new(None) };
}

fn run_on_own_pool(x: i32) -> i32 {
    POOL.with_borrow_mut(|pool| {
        let pool = pool.get_or_insert_with(|| Pool::new(1).unwrap());
        pool.run(&graph! { y = x + 1; }).unwrap().y.clone().unwrap()
    })
}

#[test]
fn thread_may_keep_a_pool_until_its_end() {
    isolated(|| {
        for _ in 0..3 {
            assert_eq!(spawn(|| run_on_own_pool(1)).join().unwrap(), 2);
        }
        assert_eq!(run_on_own_pool(2), 3);
    });
}

#[test]
fn destructor_of_a_thread_local_may_run_graphs() {
    as_program(
        || {
            spawn(|| LAST.set(Some(Last("first graphs"))))
                .join()
                .unwrap();
            let thread = spawn(|| {
                LAST.set(Some(Last("after others")));
                run_on_own_pool(1)
            });
            assert_eq!(thread.join().unwrap(), 2);
        },
        |_| (),
        |written| {
            assert!(written.status.success(), "{written}");
            for name in ["last: first graphs", "last: after others"] {
                assert!(written.stdout.contains(name), "{written}");
            }
        },
    );
}

extern "C" fn at_exit() {
    drop(Last("exit handler"));
}

#[test]
fn exit_handler_may_run_graphs() {
    for before in ["graphs before", "no graph before"] {
        as_program(
            || {
                // This is not the main thread, whose thread-locals are destroyed before exit handlers run.
                if std::env::var("BEFORE").unwrap() == "graphs before" {
                    assert_eq!(run_on_own_pool(1), 2);
                }
                // SAFETY: the handler may run whenever the program exits.
                unsafe { libc::atexit(at_exit) };
                std::process::exit(0);
            },
            |command| _ = command.env("BEFORE", before),
            |written| {
                assert!(written.status.success(), "{written}");
                assert!(written.stdout.contains("last: exit handler"), "{written}");
            },
        );
    }
}

#[test]
fn first_graph_may_be_run_while_a_panic_unwinds() {
    as_program(
        || {
            let caught = catch_unwind(|| {
                let _last = Last("unwinding");
                panic!("first");
            });
            assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"first"));
        },
        |_| (),
        |written| {
            assert!(written.status.success(), "{written}");
            assert!(written.stdout.contains("last: unwinding"), "{written}");
        },
    );
}
