//! Measures the cost of a worker's death for the other workers.
//!
//! Two workers send a number to each other in turn while a third worker aborts and is replaced. The longest pause
//! between the starts of two of their tasks is compared with the longest pause of a run without the death. It may be
//! one millisecond longer.
//!
//! Run it with `cargo bench --bench replacement`.

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Error, Pool, graph};
use std::path::Path;
use std::time::Duration;
use timing::middle;

mod timing;

/// The number of messages.
const HOPS: usize = 2_000;
/// The number of runs of each kind.
const RUNS: usize = 21;

fn main() -> Result<(), Error> {
    let pool = Pool::new(3)?;
    let pauses = |dies| {
        let pauses = (0..RUNS).map(|_| longest_pause(&pool, dies));
        pauses.collect::<Result<Vec<_>, _>>().map(middle)
    };
    let (without, with) = (pauses(false)?, pauses(true)?);
    let more = with.saturating_sub(without);
    println!("longest pause of two workers, median of {RUNS} runs");
    println!("while no worker dies          {without:>9.1?}");
    println!("while a third one is replaced {with:>9.1?}");
    println!("more                          {more:>9.1?} (bar: 1 ms)");
    Ok(())
}

/// The longest time between the starts of two tasks that follow each other on different workers.
fn longest_pause(pool: &Pool, dies: bool) -> Result<Duration, Error> {
    let name = format!("ampeg-replacement-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let path = file.to_string_lossy().into_owned();
    let graph = graph! {
        hop[0] = 1_u64;
        hop[i in 1..HOPS] = hop[i - 1] + 1;
        victim = { if dies { abort_once(Path::new(&path)); } 1 } retry 1;
    };
    let tasks = graph.task_graph()?;
    let mut lists = vec![Vec::new(); 3];
    for &task in tasks.topological_order() {
        let name = tasks.name(task);
        let hop = name
            .strip_prefix("hop[")
            .and_then(|it| it.strip_suffix(']'));
        let worker = match hop.and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => number % 2,
            None => 2,
        };
        lists[worker].push(task);
    }
    let schedule = Schedule::from_order(tasks, &Processors::new(3)?, &lists)?;
    let outcome = pool.run_schedule(&graph, &schedule)?;
    // The file exists only if the worker died.
    let _ = std::fs::remove_file(&file);
    let report = outcome.report();
    assert_eq!(report.deaths().len(), usize::from(dies));
    let of_others = report.attempts().iter();
    let starts = of_others.filter(|attempt| attempt.worker.index() < 2);
    let mut starts: Vec<_> = starts.map(|attempt| attempt.start).collect();
    starts.sort_unstable();
    let pauses = starts
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]));
    Ok(pauses.max().unwrap_or_default())
}

/// Aborts in the first call.
fn abort_once(path: &Path) {
    if std::fs::File::create_new(path).is_ok() {
        std::process::abort();
    }
}
