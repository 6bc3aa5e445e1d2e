//! Sends that fail or are interrupted do not make a run wait.

use crate::isolated::isolated;
use crate::raw;
use crate::support::{beside, by_hand};
use ampeg::{Pool, Shared, graph};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// Calls `work` while this process is interrupted repeatedly.
fn while_interrupted<T>(every: Duration, work: impl FnOnce() -> T) -> T {
    raw::handle_interrupts();
    let interrupt = |done: &AtomicBool| {
        while !done.load(Ordering::SeqCst) {
            raw::interrupt_all_threads();
            sleep(every);
        }
    };
    beside(interrupt, work)
}

/// Runs two families. Members of the second use members from all parts of the first.
fn run_large(pool: &Pool) {
    let n = 20_000_usize;
    let graph = graph! {
        x[i in 0..n] = i as u64;
        y[i in 0..n] = x[i] + x[(i * 7 + 3) % n];
        pub sum: u64 = y.iter().sum();
    };
    assert_eq!(pool.run(&graph).unwrap().sum, Ok(399_980_000));
}

#[test]
fn interrupted_calls_of_the_caller_are_done_again() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        while_interrupted(Duration::from_micros(500), || {
            for _ in 0..4 {
                run_large(&pool);
            }
        });
    });
}

#[test]
fn interrupted_starts_of_workers_are_done_again() {
    isolated(|| {
        while_interrupted(Duration::from_micros(200), || {
            for processes in (1..=4).cycle().take(24) {
                let pool = Pool::new(processes).unwrap();
                let graph = graph! { a = 1; crash: u64 = std::process::abort(); b = a + 1; };
                let outcome = pool.run(&graph).unwrap();
                assert!(outcome.crash.is_err() && outcome.b == Ok(2));
                assert_eq!(pool.run(&graph! { c = 3; }).unwrap().c, Ok(3));
            }
        });
    });
}

/// Interrupts this process repeatedly from now on.
fn interrupt_for_good() -> u64 {
    raw::handle_interrupts();
    std::thread::spawn(|| {
        loop {
            raw::interrupt_all_threads();
            sleep(Duration::from_millis(5));
        }
    });
    0
}

#[test]
fn interrupted_calls_of_workers_are_done_again() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let graph = graph! { a = interrupt_for_good(); b = interrupt_for_good(); };
        let apart = by_hand(&graph, &[vec!["a"], vec!["b"]]);
        assert_eq!(pool.run_schedule(&graph, &apart).unwrap().b, Ok(0));
        for _ in 0..3 {
            run_large(&pool);
        }
    });
}

/// Checks that a result is right, or an error with a message of some length.
fn right_or_error<T: PartialEq + std::fmt::Debug>(result: &Result<T, ampeg::TaskError>, right: &T) {
    match result {
        Ok(value) => assert_eq!(value, right),
        Err(error) => assert!(error.root().to_string().len() > 20, "{error}"),
    }
}

fn text(n: usize) -> String {
    "x".repeat(n)
}

#[test]
fn results_near_the_memory_limit_arrive_or_are_errors() {
    isolated(|| {
        let n = 20_000_000;
        let graph = graph! {
            a = text(n) @ 5;
            b = text(n) @ 5;
            pub c = a.len() + b.len() @ 5 via 1;
            pub d = 1;
        };
        let apart = by_hand(&graph, &[vec!["a", "c"], vec!["b", "d"]]);
        for megabytes in (100..300).step_by(8).chain([1000]) {
            let pool = Pool::builder().processes(2).memory_limit(megabytes << 20);
            // With too little memory, a worker cannot start.
            let Ok(pool) = pool.build() else { continue };
            match pool.run_schedule(&graph, &apart) {
                Ok(outcome) => {
                    right_or_error(&outcome.c, &(2 * n));
                    assert!(megabytes < 1000 || outcome.c.is_ok(), "{:?}", outcome.c);
                }
                Err(error) => assert!(megabytes < 1000, "{error}"),
            }
        }
    });
}

#[test]
fn shared_result_near_the_memory_limit_arrives_or_is_an_error() {
    isolated(|| {
        let graph = graph! {
            a = Shared::<[u64]>::build(50_000_000, |x| x[0] = 1);
            pub first = a[0];
            pub free = 2;
        };
        let apart = by_hand(&graph, &[vec!["a"], vec!["first", "free"]]);
        for megabytes in [700, 800, 900, 1000, 3000] {
            let pool = Pool::builder().processes(2).memory_limit(megabytes << 20);
            let outcome = pool.build().unwrap().run_schedule(&graph, &apart).unwrap();
            right_or_error(&outcome.first, &1);
            assert_eq!(outcome.free, Ok(2));
            assert!(megabytes < 3000 || outcome.first.is_ok());
        }
    });
}

#[test]
fn pool_without_descriptors_gives_an_error() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
        raw::replace_descriptors();
        let result = pool.run(&graph! { a = 1; });
        assert!(result.is_err() || result.unwrap().a.is_err());
        assert!(
            pool.start(&graph! { a = 1; })
                .is_ok_and(|run| run.wait().is_err())
        );
        drop(pool);
    });
}

/// Runs one test of this program in a process of its own. Returns the output.
fn part(name: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn program_that_closes_all_descriptors_gets_an_error() {
    isolated(|| {
        let output = part("sends::closes_all_descriptors");
        // The standard library may end a program that closed a descriptor that it did not own.
        let told = output.contains("the run gave an error");
        assert!(told || output.contains("IO Safety violation"), "{output}");
    });
}

#[test]
#[ignore = "a part of the test of closed descriptors, which runs it"]
fn closes_all_descriptors() {
    let pool = Pool::new(2).unwrap();
    raw::close_descriptors();
    let failed = match pool.run(&graph! { a = 1; }) {
        Ok(outcome) => outcome.a.is_err(),
        Err(_) => true,
    };
    assert!(failed);
    println!("the run gave an error");
}
