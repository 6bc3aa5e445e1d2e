//! A task that forks its process, and whose child returns from the body.

#![allow(unsafe_code, reason = "nothing else forks")]

use crate::isolated::isolated;
use ampeg::{Pool, graph};

/// Forks. The parent returns 1 after the child has ended with exit code 0. The child returns 2.
fn fork_and_return() -> i32 {
    // SAFETY: the child only returns, and its value is dropped with its process.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        return 2;
    }
    let mut status = 0;
    // SAFETY: the pointer refers to a local variable.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    1
}

/// Forks. The child panics, and the parent returns 1.
fn fork_and_panic() -> i32 {
    // SAFETY: as above.
    let child = unsafe { libc::fork() };
    assert!(child > 0, "the child's own fault");
    let mut status = 0;
    // SAFETY: as above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_ne!(status, 0);
    1
}

#[test]
fn value_of_a_task_is_that_of_the_process_that_began_it() {
    isolated(|| {
        let graph = graph! {
            a = fork_and_return();
            b = fork_and_panic();
            c = a + b + fork_and_return();
        };
        assert_eq!(graph.run(2).unwrap().c, Ok(3));
        assert_eq!(graph.run_inline().unwrap().c, Ok(3));
        let threads = Pool::builder().threads(1).build().unwrap();
        assert_eq!(threads.run(&graph).unwrap().c, Ok(3));
    });
}

#[test]
fn program_may_fork_and_continue_in_the_child() {
    isolated(|| {
        let graph = graph! { a = fork_and_return(); b = a + 1; };
        assert_eq!(graph.run_inline().unwrap().b, Ok(2));
        // SAFETY: the child runs a graph in its only thread, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let right = graph.run_inline().is_ok_and(|outcome| outcome.b == Ok(2));
            // SAFETY: `_exit` may be called at any time. Destructors of the parent's values must not run here.
            unsafe { libc::_exit(if right { 7 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: the pointer refers to a local variable.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(libc::WEXITSTATUS(status), 7);
    });
}
