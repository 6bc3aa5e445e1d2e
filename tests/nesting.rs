//! Graphs inside tasks: on pools of their own, on the pool that runs the task, and without an end.

mod isolated;

use ampeg::{Error, Pool, graph};
use isolated::isolated;
use std::sync::{Barrier, Mutex, OnceLock};

static A: OnceLock<Pool> = OnceLock::new();
static B: OnceLock<Pool> = OnceLock::new();

fn on_threads(place: &'static OnceLock<Pool>) -> &'static Pool {
    place.get_or_init(|| Pool::builder().threads(2).build().unwrap())
}

/// Runs a graph on a pool. Returns its result, or the message of the error.
fn asks(place: &OnceLock<Pool>) -> String {
    let outcome = place.get().unwrap().run(&graph! { x = 1; });
    outcome.map_or_else(|error| error.to_string(), |it| format!("{:?}", it.x))
}

#[track_caller]
fn assert_refused(answer: &str) {
    assert!(answer.starts_with("this pool is running"), "{answer}");
    assert!(answer.contains("`run_inline`"), "{answer}");
}

#[test]
fn own_pool_is_refused() {
    isolated(|| {
        let outcome = on_threads(&A).run(&graph! { a = asks(&A); b = a.len(); });
        let values = outcome.unwrap().into_values().unwrap();
        assert_refused(&values.a);
        assert_eq!(asks(&A), "Ok(1)");
    });
}

#[test]
fn pool_that_waits_by_way_of_another_is_refused() {
    isolated(|| {
        fn by_way_of_b() -> String {
            let outcome = B.get().unwrap().run(&graph! { x = asks(&A); });
            outcome.unwrap().x.clone().unwrap()
        }
        on_threads(&B);
        let outcome = on_threads(&A).run(&graph! { refused = by_way_of_b(); other = asks(&B); });
        let values = outcome.unwrap().into_values().unwrap();
        assert_refused(&values.refused);
        assert_eq!(values.other, "Ok(1)");
    });
}

#[test]
fn pools_that_wait_for_each_other_get_an_error() {
    static BOTH: Barrier = Barrier::new(2);
    fn meets(place: &OnceLock<Pool>) -> String {
        BOTH.wait();
        asks(place)
    }
    isolated(|| {
        let first = on_threads(&A).start(&graph! { x = meets(&B); }).unwrap();
        let second = on_threads(&B).start(&graph! { x = meets(&A); }).unwrap();
        let first = first.wait().unwrap().x.clone().unwrap();
        let second = second.wait().unwrap().x.clone().unwrap();
        // The second request is refused, and the first one succeeds.
        let (refused, other) = if first == "Ok(1)" {
            (second, first)
        } else {
            (first, second)
        };
        assert_refused(&refused);
        assert_eq!(other, "Ok(1)");
        assert_eq!([asks(&A), asks(&B)], ["Ok(1)", "Ok(1)"]);
    });
}

#[test]
fn task_cannot_start_a_run_on_its_own_pool() {
    fn starts() -> String {
        let run = A.get().unwrap().start(&graph! { x = 1; });
        run.map(drop).unwrap_err().to_string()
    }
    isolated(|| {
        let outcome = on_threads(&A).run(&graph! { a = starts(); }).unwrap();
        assert_refused(outcome.a.as_ref().unwrap());
    });
}

#[test]
fn task_cannot_await_a_run_that_waits_for_its_own() {
    static WAIT: Mutex<Option<Box<dyn FnOnce() -> String + Send>>> = Mutex::new(None);
    static READY: Barrier = Barrier::new(2);
    fn waits() -> String {
        READY.wait();
        let wait = WAIT.lock().unwrap().take();
        wait.unwrap()()
    }
    isolated(|| {
        let first = on_threads(&A).start(&graph! { a = waits(); }).unwrap();
        let behind = on_threads(&A).start(&graph! { a = 1; }).unwrap();
        let wait = move || behind.wait().unwrap_err().to_string();
        *WAIT.lock().unwrap() = Some(Box::new(wait));
        READY.wait();
        assert_refused(first.wait().unwrap().a.as_ref().unwrap());
    });
}

fn nested(depth: u32, run: fn(u32) -> Result<u32, Error>) -> u32 {
    run(depth + 1).unwrap_or(depth)
}

#[test]
fn recursion_without_an_end_is_an_error() {
    isolated(|| {
        fn on_processes(depth: u32) -> Result<u32, Error> {
            let outcome = graph! { x = nested(depth, on_processes); }.run(1)?;
            Ok(outcome.x.clone().unwrap())
        }
        fn on_threads(depth: u32) -> Result<u32, Error> {
            let pool = Pool::builder().threads(1).build()?;
            let outcome = pool.run(&graph! { x = nested(depth, on_threads); })?;
            Ok(outcome.x.clone().unwrap())
        }
        fn on_both(depth: u32) -> Result<u32, Error> {
            let pool = match depth % 2 {
                0 => Pool::new(1)?,
                _ => Pool::builder().threads(1).build()?,
            };
            let outcome = pool.run(&graph! { x = nested(depth, on_both); })?;
            Ok(outcome.x.clone().unwrap())
        }
        assert_eq!(on_processes(1).unwrap(), 10);
        assert_eq!(on_threads(1).unwrap(), 10);
        assert_eq!(on_both(1).unwrap(), 10);
    });
}

#[test]
fn recursion_inline_is_not_limited() {
    fn nested(depth: u32) -> u32 {
        let graph = graph! { x = if depth == 20 { depth } else { nested(depth + 1) }; };
        graph.run_inline().unwrap().x.clone().unwrap()
    }
    assert_eq!(nested(0), 20);
}

#[test]
fn program_that_a_task_starts_is_no_worker() {
    isolated(|| {
        fn variables() -> Vec<String> {
            let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
            names
                .filter(|name| name.starts_with("AMPEG_WORKER"))
                .collect()
        }
        assert_eq!(graph! { a = variables(); }.run(1).unwrap().a, Ok(vec![]));
    });
}
