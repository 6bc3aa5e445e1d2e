//! Pools in tasks of pools, absurd numbers of workers, and state that a pool keeps.

use crate::isolated::isolated;
use crate::support::{children, comes_within};
use ampeg::schedule::Processors;
use ampeg::{Error, Pool, graph};
use std::sync::OnceLock;
use std::time::Duration;

static POOL: OnceLock<Pool> = OnceLock::new();

/// Runs a graph on the pool that runs this task. The run succeeds or returns an error.
fn inner() -> Result<u64, Error> {
    let outcome = POOL.get().expect("it is set").run(&graph! { x = 1_u64; })?;
    Ok(outcome.x.clone().unwrap_or(0))
}

fn started() -> Result<u64, Error> {
    let run = POOL
        .get()
        .expect("it is set")
        .start(&graph! { x = 1_u64; })?;
    Ok(run.wait()?.x.clone().unwrap_or(0))
}

fn use_own_pool(threads: usize) {
    let pool = Pool::builder().threads(threads).build().unwrap();
    POOL.set(pool).unwrap();
    let pool = POOL.get().unwrap();
    let outcome = pool.run(&graph! { a = inner()?; b = 2; }).unwrap();
    assert_eq!(outcome.b, Ok(2));
    assert!(outcome.a.as_ref().map_or(true, |a| *a == 1));
    assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
}

#[test]
fn task_on_a_thread_may_not_wait_for_its_own_pool() {
    isolated(|| use_own_pool(2));
}

#[test]
fn task_on_the_only_thread_may_not_wait_for_its_own_pool() {
    isolated(|| use_own_pool(1));
}

#[test]
fn task_on_a_thread_may_not_wait_for_a_run_that_it_starts_on_its_own_pool() {
    isolated(|| {
        POOL.set(Pool::builder().threads(2).build().unwrap())
            .unwrap();
        let outcome = POOL.get().unwrap().run(&graph! { a = started()?; b = 2; });
        let outcome = outcome.unwrap();
        assert_eq!(outcome.b, Ok(2));
        assert!(outcome.a.as_ref().map_or(true, |a| *a == 1));
    });
}

#[test]
fn task_may_use_another_pool() {
    isolated(|| {
        POOL.set(Pool::builder().threads(2).build().unwrap())
            .unwrap();
        let pool = Pool::builder().threads(2).build().unwrap();
        let outcome = pool.run(&graph! { a[i in 0..6] = inner()?; }).unwrap();
        assert!(outcome.a.iter().all(|it| *it == Ok(1)));
    });
}

/// Runs graphs nested `left` levels deep. Returns the number of levels, or the first error.
fn nested(left: u32) -> Result<u32, String> {
    if left == 0 {
        return Ok(0);
    }
    let outcome = graph! { x = nested(left - 1)? + 1; }.run(1);
    let outcome = outcome.map_err(|error| error.to_string())?;
    outcome.x.clone().map_err(|error| error.root().to_string())
}

fn nested_inline(left: u32) -> u32 {
    if left == 0 {
        return 0;
    }
    let outcome = graph! { x = nested_inline(left - 1) + 1; }.run_inline();
    outcome.unwrap().x.clone().unwrap()
}

#[test]
fn graphs_are_nested_a_few_levels_deep_and_not_without_end() {
    isolated(|| {
        assert_eq!(nested(3), Ok(3));
        let error = nested(60).unwrap_err();
        assert!(error.contains("nested"), "{error}");
        assert_eq!(nested_inline(60), 60);
    });
}

const ABSURD: [usize; 5] = [
    usize::MAX,
    usize::MAX / 2,
    usize::MAX / 16,
    1 << 40,
    u32::MAX as usize,
];

#[test]
fn absurd_number_of_workers_is_an_error() {
    isolated(|| {
        for n in ABSURD {
            assert!(Pool::new(n).is_err(), "{n} processes");
            let threads = Pool::builder().threads(n).build();
            assert!(threads.is_err(), "{n} threads");
            // `run` starts at most as many workers as the graph has tasks.
            assert_eq!(graph! { a = 1; }.run(n).unwrap().a, Ok(1));
        }
        assert!(children().is_empty());
    });
}

#[test]
fn absurd_number_of_processors_is_an_error() {
    isolated(|| {
        let graph = graph! { a = 1; b = a + 1; };
        for n in ABSURD {
            assert!(graph.schedule(n).is_err(), "{n} processors");
            assert!(Processors::new(n).is_err(), "{n} processors");
        }
        assert!(graph.schedule(100).is_ok());
    });
}

#[test]
fn speeds_must_be_as_many_as_workers() {
    isolated(|| {
        for n in ABSURD {
            let pool = Pool::builder().processes(n).speeds([1.0, 2.0]).build();
            assert!(pool.is_err());
            let pool = Pool::builder().threads(n).speeds([1.0]).build();
            assert!(pool.is_err());
        }
        let pool = Pool::builder().processes(2).speeds(vec![1.0; 1_000_000]);
        assert!(pool.build().is_err());
        assert!(Pool::builder().processes(0).build().is_err());
    });
}

/// The resident memory of a process in megabytes.
fn resident(id: i32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() / 1024
}

#[test]
fn idle_workers_drop_a_graph_that_is_gone() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let text = "x".repeat(200 << 20);
        let graph = graph! { a = text.len(); b = text.len() + 1; };
        drop(text);
        let outcome = pool.run(&graph).unwrap();
        assert!(outcome.a.is_ok() && outcome.b.is_ok());
        drop((graph, outcome));
        let small = || children().into_iter().all(|id| resident(id) < 100);
        assert!(comes_within(Duration::from_secs(60), small));
        assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
    });
}

#[test]
fn idle_workers_keep_a_graph_that_may_be_run_again() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let text = "x".repeat(1 << 20);
        let graph = graph! { a = text.len(); b = text.len() + 1; };
        let copy = graph.clone();
        for _ in 0..5 {
            assert_eq!(pool.run(&graph).unwrap().a, Ok(1 << 20));
        }
        drop(graph);
        assert_eq!(pool.run(&copy).unwrap().b, Ok((1 << 20) + 1));
    });
}
