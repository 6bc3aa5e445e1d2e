//! Runs a compute-bound graph, a blocked Cholesky factorization, on workers. Compares the time with the prediction of
//! the schedule, with one thread, with rayon and with procspawn, for tasks of about 20 ms and of about 200 ms.
//!
//! An earlier run measures the costs, and the schedule with these costs makes the prediction. The goal is 95 % of the
//! predicted speed-up, times the share of full speed at which independent workers run in parallel on this machine. This
//! share is measured, too. The comparison is only valid on an otherwise idle machine.
//!
//! Run it with `cargo bench --bench compute`. A number after `--` sets the number of workers; the default is one for
//! each core.

#![allow(
    clippy::cast_precision_loss,
    clippy::needless_range_loop,
    clippy::ptr_arg,
    reason = "arithmetic on small indices, and blocks that tasks pass on whole"
)]

use ampeg::{Error, MeasuredCosts, Pool, graph};
use kernels::{Block, factor, matrix, solve, update};
use others::{procspawn_side_by_side, sequential, side_by_side};
use std::time::Duration;
use timing::{median, ratio};

mod kernels;
mod others;
#[path = "../timing/mod.rs"]
mod timing;

fn main() -> Result<(), Error> {
    // The processes of procspawn never return from this call.
    procspawn::init();
    let n_workers = std::env::args().find_map(|argument| argument.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_workers = n_workers.unwrap_or(cores);
    compare::<512>(6, n_workers, 5)?;
    println!();
    compare::<1024>(5, n_workers, 3)
}

/// Compares all sides on `n` by `n` blocks, with `times` runs of each.
fn compare<const SIZE: usize>(n: usize, n_workers: usize, times: usize) -> Result<(), Error> {
    // `rest[i][j][k]` is block i, j after the products of k columns of the factor are subtracted.
    let cholesky = graph! {
        rest[i in 0..n, j in 0..=i, k in 0..=j]: Block = if k == 0 {
            matrix::<SIZE>(i, j, n)
        } else {
            update::<SIZE>(rest[i][j][k - 1], &lower[i][k - 1], &lower[j][k - 1])
        };
        lower[i in 0..n, j in 0..=i]: Block = if i == j {
            factor::<SIZE>(rest[i][j][j])
        } else {
            solve::<SIZE>(rest[i][j][j], &lower[j][j])
        };
        diagonal[i in 0..n] = lower[i][i].iter().sum::<f64>();
        pub trace = diagonal.iter().sum::<f64>();
    };
    let pool = Pool::new(n_workers)?;
    // The second run reuses memory of the first one, as all later runs do.
    let _ = pool.run(&cholesky)?;
    let costs: MeasuredCosts = pool.run(&cholesky)?.report().measured_costs();
    let cholesky = cholesky.with_costs(&costs);
    let schedule = cholesky.schedule(n_workers)?;
    let work: f64 = costs_of_all(&cholesky)?;
    let predicted = work / schedule.makespan().value();

    let expected = sequential::<SIZE>(n);
    let one = median(times, || {
        assert_eq!(sequential::<SIZE>(n), expected);
        Ok(())
    })?;
    let ours = median(times, || {
        let outcome = pool.run_schedule(&cholesky, &schedule)?;
        assert_eq!(outcome.trace, Ok(expected));
        Ok(())
    })?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(n_workers);
    let threads = threads.build().expect("threads");
    let rayon = median(times, || {
        assert_eq!(threads.install(|| side_by_side::<SIZE>(n)), expected);
        Ok(())
    })?;
    let processes = procspawn::Pool::new(n_workers).expect("processes");
    let procspawn = median(times, || {
        assert_eq!(
            procspawn_side_by_side::<SIZE>(n, &processes, n_workers),
            expected
        );
        Ok(())
    })?;
    let copies = graph! { pub copy[_i in 0..n_workers] = sequential::<SIZE>(n); };
    let copies = ratio(one, median(times, || pool.run(&copies).map(drop))?) * n_workers as f64;

    println!("{n} × {n} blocks of {SIZE} × {SIZE} numbers, {n_workers} workers");
    row("one thread", one, one);
    row("rayon", rayon, one);
    row("procspawn", procspawn, one);
    row("ampeg", ours, one);
    println!("predicted by the schedule: a speed-up of {predicted:.2}");
    println!("of workers that each do all of it, sharing nothing but the machine: {copies:.2}");
    let reached = ratio(one, ours) / predicted;
    let share = copies / n_workers as f64;
    println!(
        "reached: {:.0} % of what is predicted, {:.0} % of what the machine leaves of it (bar: 95 %)",
        100.0 * reached,
        100.0 * reached / share.min(1.0)
    );
    let outcome = pool.run_schedule(&cholesky, &schedule)?;
    let (report, transfers) = (outcome.report(), outcome.report().transfers());
    let bytes: u64 = transfers.iter().map(|transfer| transfer.bytes).sum();
    println!("in one run, {}", report.breakdown());
    println!(
        "{} results were moved, {} MB",
        transfers.len(),
        bytes / 1_000_000
    );
    Ok(())
}

fn row(who: &str, time: Duration, one: Duration) {
    println!("{who:<12} {time:>10.1?}   speed-up {:.2}", ratio(one, time));
}

/// The sum of the costs of all tasks.
fn costs_of_all<O>(graph: &ampeg::Graph<O>) -> Result<f64, Error> {
    let tasks = graph.task_graph()?;
    Ok(tasks.task_ids().map(|task| tasks.mean_cost(task)).sum())
}
