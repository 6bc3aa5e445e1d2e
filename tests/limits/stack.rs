//! Tasks have the same stack size on processes and threads.

use crate::isolated::isolated;
use crate::{Place, limit_softly};
use ampeg::{Pool, graph};
use rustix::process::Resource;
use std::hint::black_box;

const MEGABYTE: usize = 1 << 20;

/// A recursion that takes this many megabytes of stack. Returns the number of megabytes.
fn recur(megabytes: usize) -> usize {
    fn level(bottom: usize, bytes: usize) -> usize {
        let frame = black_box([0_u8; 1024]);
        let taken = bottom - frame.as_ptr().addr();
        if taken < bytes {
            level(bottom, bytes).max(usize::from(frame[7]))
        } else {
            taken
        }
    }
    let bottom = black_box([0_u8; 1]);
    level(bottom.as_ptr().addr(), megabytes * MEGABYTE) / MEGABYTE
}

#[test]
fn tasks_have_six_megabytes_of_stack_everywhere() {
    isolated(|| {
        let graph = graph! { a = recur(6); };
        for place in [Place::Processes, Place::Threads] {
            assert_eq!(place.run(&graph).unwrap().a, Ok(6), "{place:?}");
        }
        // Inline, a task has the stack of the caller.
        let inline = std::thread::Builder::new().stack_size(8 * MEGABYTE);
        let inline = inline.spawn(|| {
            graph! { a = recur(6); }
                .run_inline()
                .unwrap()
                .into_values()
                .unwrap()
                .a
        });
        assert_eq!(inline.unwrap().join().unwrap(), 6);
    });
}

#[test]
fn limit_of_the_program_holds_for_threads_too() {
    isolated(|| {
        limit_softly(Resource::Stack, 64 << 20);
        let graph = graph! { a = recur(50); };
        for place in [Place::Processes, Place::Threads] {
            assert_eq!(place.run(&graph).unwrap().a, Ok(50), "{place:?}");
        }
    });
}

#[test]
fn pool_may_set_the_stack_size() {
    isolated(|| {
        let graph = graph! { a = recur(200); b = a + recur(200); };
        let builder = Pool::builder().stack_size(256 * MEGABYTE);
        for pool in [builder.clone().processes(2), builder.threads(2)] {
            let outcome = pool.build().unwrap().run(&graph).unwrap();
            assert_eq!(outcome.b, Ok(400));
        }
    });
}

#[test]
fn overflow_of_the_set_stack_crashes_only_its_task() {
    isolated(|| {
        let pool = Pool::builder().processes(1).stack_size(MEGABYTE);
        let outcome = pool
            .build()
            .unwrap()
            .run(&graph! { a = recur(4); b = recur(0); });
        let outcome = outcome.unwrap();
        assert!(outcome.a.is_err() && outcome.b == Ok(0));
    });
}

#[test]
fn stack_that_cannot_be_allocated_is_an_error() {
    isolated(|| {
        let builder = Pool::builder().stack_size(usize::MAX / 4);
        let error = builder.clone().threads(1).build().unwrap_err();
        assert!(error.to_string().contains("worker thread"), "{error}");
        let pool = builder.processes(1).build().unwrap();
        let outcome = pool.run(&graph! { a = 1; }).unwrap();
        let error = outcome.a.as_ref().unwrap_err().to_string();
        assert!(error.contains("stack of"), "{error}");
    });
}
