//! Results keep no files open, so few open files suffice.

use crate::isolated::isolated;
use crate::{PLACES, limit, limit_softly, says};
use ampeg::{Pool, Shared, TaskErrorKind, graph};
use rustix::process::{Resource, getrlimit};
use std::fs::File;

/// Above the size from which results are sent as shared memory.
const LARGE: usize = 40_000;

fn block(member: usize) -> Vec<u8> {
    vec![member.to_le_bytes()[0]; LARGE]
}

fn shared(member: usize) -> Shared<[u8]> {
    Shared::from(&*block(member))
}

fn sum<'a>(blocks: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let blocks = blocks.into_iter();
    blocks.map(|block| usize::from(block[LARGE - 1])).sum()
}

/// The expected value of [`sum`] for `n` blocks.
fn right(n: usize) -> usize {
    (0..n).map(|member| member % 256).sum()
}

#[test]
fn any_number_of_large_results_fits() {
    isolated(|| {
        let n = 1_500;
        for files in [1024, 256, 128] {
            limit(Resource::Nofile, files);
            for place in PLACES {
                let graph = graph! {
                    pub x[i in 0..n] = block(i);
                    pub all = sum(x.iter().map(|x| &x[..]));
                };
                let values = place.run(&graph).unwrap().into_values().unwrap();
                assert_eq!(values.all, right(n), "{place:?}");
                assert_eq!(sum(values.x.iter().map(|x| &x[..])), right(n));
            }
        }
    });
}

#[test]
fn any_number_of_shared_values_fits() {
    isolated(|| {
        let n = 1_200;
        limit(Resource::Nofile, 256);
        for place in PLACES {
            let graph = graph! {
                x[i in 0..n] = shared(i);
                // The received values are sent on unchanged.
                pub again[i in 0..n] = x[(i + 1) % n].clone();
                pub all = sum(x.iter().map(|x| &x[..]));
                pub list = (0..n).map(shared).collect::<Vec<_>>();
                pub of_list = sum(list.iter().map(|x| &x[..]));
            };
            let values = place.run(&graph).unwrap().into_values().unwrap();
            assert_eq!((values.all, values.of_list), (right(n), right(n)));
            let (again, list) = (values.again, values.list);
            let graph = graph! {
                captured = sum(again.iter().chain(&list).map(|x| &x[..]));
                both = sum(again.iter().map(|x| &x[..])) + captured;
            };
            let outcome = place.run(&graph).unwrap();
            assert_eq!(outcome.captured, Ok(2 * right(n)));
            assert_eq!(outcome.both, Ok(3 * right(n)));
        }
    });
}

#[test]
fn results_of_a_worker_that_dies_are_found_again() {
    isolated(|| {
        let n = 400;
        limit(Resource::Nofile, 128);
        let marker = std::env::temp_dir().join("marker");
        let graph = graph! {
            pub x[i in 0..n] = block(i);
            pub y[i in 0..n] = {
                if i == n / 2 && File::create_new(&marker).is_ok() { std::process::abort() }
                sum([&x[i][..], &x[(i * 7) % n]])
            } retry 1;
        };
        let values = Pool::new(2).unwrap().run(&graph).unwrap();
        let values = values.into_values().unwrap();
        assert_eq!(sum(values.x.iter().map(|x| &x[..])), right(n));
        for (i, y) in values.y.into_iter().enumerate() {
            assert_eq!(y, i % 256 + (i * 7) % n % 256);
        }
        std::fs::remove_file(marker).unwrap();
    });
}

/// Uses up the descriptors of this process, except `left` of them.
fn use_up(left: usize) -> Vec<File> {
    let open = || File::open("/dev/null");
    let mut files: Vec<_> = std::iter::from_fn(|| open().ok()).collect();
    files.truncate(files.len() - left);
    files
}

#[test]
fn task_without_descriptors_fails_alone_and_names_the_limit() {
    isolated(|| {
        limit(Resource::Nofile, 128);
        let graph = graph! {
            before = block(1).len();
            x = { std::mem::forget(use_up(0)); block(2) };
            pub after = before + 1;
            pub x_len = x.len();
            pub large = block(3);
        };
        let outcome = Pool::new(2).unwrap().run(&graph).unwrap();
        assert_eq!(outcome.after, Ok(LARGE + 1));
        // `x` and `large` may be on one worker, and then both may lack a descriptor. `x` may also stay on its worker.
        if let Err(error) = &outcome.large {
            says(error, &["`ulimit -n`", "128"]);
        }
        if let Err(error) = &outcome.x_len {
            says(error, &["`ulimit -n`", "128"]);
        }
    });
}

#[test]
fn result_that_finds_no_descriptor_in_the_caller_fails_its_task_alone() {
    isolated(|| {
        limit(Resource::Nofile, 128);
        let pool = Pool::new(1).unwrap();
        let run = || pool.run(&graph! { small = 1; large = block(7); last = small + 1; });
        assert_eq!(run().unwrap().large, Ok(block(7)));
        for left in [0, 1] {
            let files = use_up(left);
            let outcome = run().unwrap();
            drop(files);
            assert_eq!((&outcome.small, &outcome.last), (&Ok(1), &Ok(2)));
            match &outcome.large {
                Ok(large) => assert_eq!((left, large), (1, &block(7))),
                Err(error) => {
                    let kind = error.kind();
                    assert!(
                        matches!(kind, TaskErrorKind::NotDeliverable { .. }),
                        "{error}"
                    );
                    says(error, &["`ulimit -n`", "128 open files"]);
                }
            }
        }
        assert_eq!(run().unwrap().large, Ok(block(7)));
    });
}

#[test]
fn limit_is_raised_as_far_as_needed() {
    isolated(|| {
        limit_softly(Resource::Nofile, 64);
        let pool = Pool::new(12).unwrap();
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
        let raised = getrlimit(Resource::Nofile).current.unwrap();
        assert!((65..400).contains(&raised), "{raised}");
        // The raised limit is enough.
        drop(Pool::new(2).unwrap());
        assert_eq!(getrlimit(Resource::Nofile).current, Some(raised));
    });
}

#[test]
fn limit_that_cannot_be_raised_is_an_error_of_the_start() {
    isolated(|| {
        limit(Resource::Nofile, 64);
        let error = Pool::new(12).unwrap_err();
        says(&error, &["12 worker processes", "`ulimit -n`", "64"]);
        assert!(Pool::new(1).is_ok());
    });
}
