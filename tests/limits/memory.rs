//! Too little address space.

use crate::isolated::isolated;
use crate::{limit, limit_softly, says};
use ampeg::{Pool, TaskErrorKind, graph};
use rustix::process::Resource;
use std::hint::black_box;

const LIMIT: u64 = 1_000_000_000;
const TOO_MUCH: usize = 3_000_000_000;

/// Tries to allocate more memory than the limit allows, without using it.
fn allocated() -> Result<usize, std::collections::TryReserveError> {
    let mut bytes = Vec::<u8>::new();
    bytes.try_reserve_exact(black_box(TOO_MUCH))?;
    Ok(bytes.capacity())
}

fn thread() -> std::io::Result<usize> {
    let thread = std::thread::Builder::new().stack_size(TOO_MUCH).spawn(|| 1);
    Ok(thread?.join().unwrap())
}

#[test]
fn task_that_hits_the_limit_names_it() {
    isolated(|| {
        let graph = graph! {
            aborts = black_box(vec![1_u8; TOO_MUCH]).len();
            fails = allocated()?;
            panics = allocated().unwrap();
            starts = thread()?;
            modest = black_box(vec![1_u8; 1000]).len();
        };
        let pool = Pool::builder().processes(2).memory_limit(LIMIT);
        let outcome = pool.build().unwrap().run(&graph).unwrap();
        let results = [
            &outcome.aborts,
            &outcome.fails,
            &outcome.panics,
            &outcome.starts,
        ];
        for result in results {
            says(result.as_ref().unwrap_err(), &["`memory_limit`", "1000 MB"]);
        }
        assert_eq!(outcome.modest, Ok(1000));
    });
}

#[test]
fn limit_from_outside_is_named_too() {
    isolated(|| {
        limit_softly(Resource::As, LIMIT);
        let graph =
            graph! { aborts = black_box(vec![1_u8; TOO_MUCH]).len(); fails = allocated()?; };
        let outcome = Pool::new(1).unwrap().run(&graph).unwrap();
        for result in [&outcome.aborts, &outcome.fails] {
            says(result.as_ref().unwrap_err(), &["`ulimit -v`", "1000 MB"]);
        }
    });
}

#[test]
fn limit_above_what_the_system_allows_is_refused() {
    isolated(|| {
        limit(Resource::As, 2 * LIMIT);
        let builder = Pool::builder().processes(1);
        let error = builder
            .clone()
            .memory_limit(2 * LIMIT + 1)
            .build()
            .unwrap_err();
        says(
            &error,
            &["`memory_limit`", "2000000001", "2000000000", "ulimit -Hv"],
        );
        let pool = builder.memory_limit(2 * LIMIT).build().unwrap();
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
    });
}

#[test]
fn limit_below_what_a_worker_needs_is_named() {
    isolated(|| {
        for bytes in [0, 1 << 20, 20 << 20] {
            let pool = Pool::builder().processes(1).memory_limit(bytes);
            match pool.build() {
                Ok(pool) => {
                    let outcome = pool.run(&graph! { a = vec![1_u8; 100_000_000]; }).unwrap();
                    says(outcome.a.as_ref().unwrap_err(), &["`memory_limit`"]);
                }
                Err(error) => says(&error, &["`memory_limit`"]),
            }
        }
    });
}

/// The address space of this process.
fn used() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').next().unwrap().parse().unwrap();
    // No system on which this test runs has smaller pages.
    pages * 4096
}

#[test]
fn caller_that_has_no_memory_for_a_result_loses_that_alone() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let (n, size) = (12, 32 << 20);
        let graph = graph! { pub x[i in 0..n] = vec![1_u8; size]; pub small[i in 0..n] = i; };
        // The first run allocates memory that the caller keeps.
        assert_eq!(pool.run(&graph! { a = 1; b = 2; }).unwrap().b, Ok(2));
        limit_softly(Resource::As, used() + (200 << 20));
        let outcome = pool.run(&graph).unwrap();
        let right = outcome.x.iter().filter(|x| x.is_ok()).count();
        assert!((1..n).contains(&right), "{right}");
        for error in outcome.x.iter().filter_map(|x| x.as_ref().err()) {
            let kind = error.kind();
            let is_one = matches!(
                kind,
                TaskErrorKind::NoWorker { .. } | TaskErrorKind::NotDeliverable { .. }
            );
            assert!(is_one, "{error}");
            says(error, &["`ulimit -v`"]);
        }
    });
}
