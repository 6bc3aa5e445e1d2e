//! Measures the cost of worker processes on this machine, to see which tasks are worth another process.
//!
//! ```text
//!     a ─── b ─── c ─── d        t0 ── t1 ── … ── t9        made ── sum
//!     └───────────┘
//! ```
//!
//! It prints medians of many runs: of starting workers, of tiny tasks, and of sending results from worker to worker.
//! Run it on an otherwise idle machine.
//!
//! Run it with `cargo run --release --example overhead`.

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Error, Graph, Pool, graph};
use std::time::{Duration, Instant};

fn main() -> Result<(), Error> {
    let tiny = graph! { a = 1; b = a + 1; c = b + a; d = c + 1; };
    for workers in [1, 2, 4] {
        let time = median(30, || elapsed(|| tiny.run(workers)))?;
        println!("start {workers} worker processes, run four tiny tasks, end them: {time:.1?}");
    }

    let pool = Pool::new(2)?;
    let time = median(200, || elapsed(|| pool.run(&tiny)))?;
    println!("the same on workers that are kept: {time:.1?}");

    let chain = graph! {
        t0 = 1; t1 = t0 + 1; t2 = t1 + 1; t3 = t2 + 1; t4 = t3 + 1;
        t5 = t4 + 1; t6 = t5 + 1; t7 = t6 + 1; t8 = t7 + 1; pub t9 = t8 + 1;
    };
    let to_and_fro = alternating(&chain)?;
    let near = median(200, || elapsed(|| pool.run(&chain)))?;
    let far = median(200, || elapsed(|| pool.run_schedule(&chain, &to_and_fro)))?;
    let hop = far.saturating_sub(near) / 9;
    println!("one small result from worker to worker: {hop:.1?}");

    for megabytes in [1, 10, 100] {
        let n = megabytes * 125_000;
        let large = graph! {
            made = vec![0.5; n];
            pub sum = made.iter().sum::<f64>();
        };
        let apart = alternating(&large)?;
        let near = median(10, || elapsed(|| pool.run(&large)))?;
        let far = median(10, || elapsed(|| pool.run_schedule(&large, &apart)))?;
        println!(
            "{megabytes} MB from worker to worker: {:.1?}",
            far.saturating_sub(near)
        );
    }
    Ok(())
}

/// A schedule by hand on two workers, with each task on another worker than the previous task.
fn alternating<O>(graph: &Graph<O>) -> Result<Schedule, Error> {
    let tasks = graph.task_graph()?;
    let order = tasks.topological_order().iter().copied();
    let (even, odd): (Vec<_>, Vec<_>) = (0..).zip(order).partition(|(place, _)| place % 2 == 0);
    let lists = [even, odd].map(|list| list.into_iter().map(|(_, task)| task).collect());
    Schedule::from_order(tasks, &Processors::new(2)?, &lists)
}

fn elapsed<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<Duration, Error> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn median(times: usize, run: impl Fn() -> Result<Duration, Error>) -> Result<Duration, Error> {
    let mut times = (0..times).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
