//! Measures the time to declare, schedule and run a member of a large family.
//!
//! `cargo bench --bench families`
//!
//! Each row is the time per member, for families of several sizes. If a step took quadratic time, the time per member
//! would grow with the size.

use ampeg::{Graph, Pool, TaskGraph, Values, graph};
use std::hint::black_box;
use std::time::{Duration, Instant};

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
const PROCESSORS: usize = 16;

fn main() {
    println!(
        "microseconds per member      {:>9} {:>9} {:>9}",
        SIZES[0], SIZES[1], SIZES[2]
    );
    row("wide: declare", |n| {
        time(|| wide(n).task_graph().map(TaskGraph::n_tasks))
    });
    row("wide: schedule on 16", |n| schedule(&wide(n)));
    row("wide: run inline", |n| run_inline(&wide(n)));
    row("wide: run on 2 workers", |n| run(&wide(n)));
    row("chain: declare", |n| {
        time(|| chain(n).task_graph().map(TaskGraph::n_tasks))
    });
    row("chain: schedule on 16", |n| schedule(&chain(n)));
    row("chain: run inline", |n| run_inline(&chain(n)));
    row("chain: run on 2 workers", |n| run(&chain(n)));
    row("a loop that does the same", |n| {
        time(|| (0..u64::from(n)).fold(0, |sum, i| black_box(sum + i)))
    });
}

/// Members that depend on one task, and a task that depends on them all.
fn wide(n: u32) -> Graph<impl Values> {
    graph! {
        first = 1_u64;
        part[i in 0..n] = first + u64::from(i) @ i % 7 via 0.5;
        pub sum: u64 = part.iter().sum();
    }
}

/// Members that each depend on the previous member.
fn chain(n: u32) -> Graph<impl Values> {
    graph! {
        x[0] = 0_u64;
        x[i in 1..n] = x[i - 1] + u64::from(i) @ 1 via 0.5;
        pub last = x[n - 1];
    }
}

fn row(name: &str, measure: impl Fn(u32) -> Duration) {
    let cells = SIZES.map(|n| {
        let best = (0..3).map(|_| measure(n)).min().unwrap_or_default();
        format!("{:9.3}", best.as_secs_f64() * 1e6 / f64::from(n))
    });
    println!("{name:28} {}", cells.join(" "));
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn schedule<V>(graph: &Graph<V>) -> Duration {
    time(|| graph.schedule(PROCESSORS).expect("it has tasks"))
}

fn run_inline<V: Values>(graph: &Graph<V>) -> Duration {
    time(|| graph.run_inline().expect("it has tasks"))
}

/// The time of a run on workers that already have the graph.
fn run<V: Values>(graph: &Graph<V>) -> Duration {
    let pool = Pool::new(2).expect("workers start");
    let run = || pool.run(graph).expect("it has tasks");
    let _ = run();
    time(run)
}
