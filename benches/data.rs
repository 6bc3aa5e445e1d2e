//! Measures moving results of 1 KB to 1 GB from worker to worker, compared with the memory of this machine.
//!
//! All figures of a row are from one run. Compare the ratios, not the times.
//!
//! Run it with `cargo bench --bench data`. A number after `--` sets the largest size in KB, if 1 GB is too much.

use ampeg::{Error, Graph, Pool, Shared, Values, graph};
use ipc_channel::ipc::IpcSharedMemory;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Duration;
use timing::{apart, median, ratio};

mod timing;

#[derive(Clone, Serialize, Deserialize)]
struct Table {
    name: String,
    columns: Vec<Vec<f64>>,
}

fn main() -> Result<(), Error> {
    sizes(&Pool::new(2)?)
}

fn sizes(pool: &Pool) -> Result<(), Error> {
    println!("size, what                  moved        memory       ratio (bar at 100 MB: 1.3)");
    let largest = std::env::args().find_map(|argument| argument.parse().ok());
    let largest = largest.unwrap_or(1_000_000);
    let sizes = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
    for kilobytes in sizes.into_iter().filter(|&size| size <= largest) {
        let n = kilobytes * 125;
        let written = vec![7_u8; n * 8];
        // Large sizes take long, and their times vary little.
        let times = if kilobytes > 100_000 { 3 } else { 9 };
        let memory = median(times, || {
            by_hand(&written);
            Ok(())
        })?;
        let numbers = graph! { made = vec![0.5; n]; pub sum = made.len(); };
        let bytes = graph! { made = vec![7_u8; n * 8]; pub sum = made.len(); };
        let text = graph! { made = "a".repeat(n * 8); pub sum = made.len(); };
        let table = graph! {
            made = Table { name: "table".into(), columns: vec![vec![0.5; n / 5]; 5] };
            pub sum = { let all = &made; all.columns.len() + all.name.len() };
        };
        let part = graph! {
            made = Table { name: "table".into(), columns: vec![vec![0.5; n / 5]; 5] };
            pub sum = made.columns[1][..10].len() + made.name.len();
        };
        let shared = graph! {
            made = Shared::build(n, |numbers: &mut [f64]| numbers.fill(0.5));
            pub sum = made.len();
        };
        row(kilobytes, "Vec<f64>", moved(pool, times, &numbers)?, memory);
        row(kilobytes, "Vec<u8>", moved(pool, times, &bytes)?, memory);
        row(kilobytes, "String", moved(pool, times, &text)?, memory);
        row(kilobytes, "struct", moved(pool, times, &table)?, memory);
        row(kilobytes, "part of it", moved(pool, times, &part)?, memory);
        row(kilobytes, "Shared", moved(pool, times, &shared)?, memory);
    }
    Ok(())
}

fn row(kilobytes: usize, what: &str, moved: Duration, memory: Duration) {
    let ratio = ratio(moved, memory);
    println!("{kilobytes:>9} KB {what:<12} {moved:>12.1?} {memory:>12.1?} {ratio:>10.2}");
}

/// The additional time of a graph if its second task is on another worker than its first.
fn moved<V: Values>(pool: &Pool, times: usize, graph: &Graph<V>) -> Result<Duration, Error> {
    let apart = apart(graph)?;
    let near = median(times, || pool.run(graph).map(drop))?;
    let far = median(times, || pool.run_schedule(graph, &apart).map(drop))?;
    Ok(far.saturating_sub(near))
}

/// Writes to new shared memory, and copies out of it.
fn by_hand(made: &[u8]) {
    let memory = IpcSharedMemory::from_bytes(made);
    black_box(memory.to_vec());
}
