//! Measures how the time of a run grows with the number of its tasks. If the handling of an event visits a whole queue,
//! all inputs or all workers, the time grows with the square.
//!
//! Each row has a graph of about ten thousand tasks and one of a hundred thousand, on two worker processes that already
//! run. It shows the time of a run of each graph, the growth beyond a factor of ten, and the ratio to one process.
//! Times are the best of a few runs. If the smaller graph takes long, the larger one is not run.
//!
//! Run it with `cargo bench --bench growth`, or with names of rows after `--`.

use ampeg::{Error, Graph, Outcome, Pool, Values, graph};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use timing::ratio;

mod timing;

const SIZES: [usize; 2] = [10_000, 100_000];
/// The allowed growth of the time, divided by the growth of the number of tasks.
const GROWTH: f64 = 1.2;
/// The allowed ratio of a run to a run in one process, in the rows that have this ratio.
const INLINE: f64 = 3.0;
/// If the smaller graph takes longer, the larger one is not run.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The time after which a run is cancelled.
const DEADLINE: Duration = Duration::from_secs(60);
/// The number of tasks that abort once.
const DEATHS: usize = 20;

fn main() -> Result<(), Error> {
    println!(
        "on two workers            {:>9} {:>9}   growth (bar: {GROWTH})   in one process   ratio (bar: {INLINE} for some)",
        SIZES[0], SIZES[1]
    );
    row("wide", None, |n| run(n, &wide(n)))?;
    row("chain", None, |n| run(n, &chain(n)))?;
    row("failing, 50 dependents", Some(INLINE), |n| {
        run(n, &failing(n))
    })?;
    row("deep failure", None, |n| run(n, &deep_failure(n)))?;
    row("skip", None, |n| run(n, &skip(n)))?;
    row("reduce", Some(INLINE), |n| run(n, &reduce(n)))?;
    row("two inputs each", None, |n| run(n, &grow(n)))?;
    row("cancel in the middle", None, cancelled)?;
    row("retries", None, retries)?;
    row("deaths", None, deaths)?;
    row("recomputation", None, recomputation)
}

/// The time on two workers, and in one process if the row has it; none if the run did not end in time.
type Times = Option<(Duration, Option<Duration>)>;

fn row(
    name: &str,
    bar: Option<f64>,
    measure: impl Fn(usize) -> Result<Times, Error>,
) -> Result<(), Error> {
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    if !wanted.is_empty() && !wanted.iter().any(|it| name.contains(it.as_str())) {
        return Ok(());
    }
    let small = measure(SIZES[0])?;
    let large = match small {
        Some((time, _)) if time <= TIME_LIMIT => measure(SIZES[1])?,
        _ => None,
    };
    let time = |times: Times| times.map_or_else(|| "-".into(), |it| format!("{:.1?}", it.0));
    let growth = small.zip(large).map(|(small, large)| {
        let sizes = f64::from(u32::try_from(SIZES[1] / SIZES[0]).unwrap_or(1));
        ratio(large.0, small.0) / sizes
    });
    // The times of the larger graph or, if it was not run, of the smaller one.
    let inline = large
        .or(small)
        .and_then(|(time, inline)| Some((time, inline?)));
    let compared = inline.map(|(time, inline)| ratio(time, inline));
    let judge = |value: Option<f64>, bar: Option<f64>| match (value, bar) {
        (None, _) => "-".into(),
        (Some(value), Some(bar)) if value > bar => format!("{value:.2} !"),
        (Some(value), _) => format!("{value:.2}"),
    };
    let growth = judge(growth, Some(GROWTH));
    let inline = inline.map_or_else(|| "-".into(), |it| format!("{:.1?}", it.1));
    let compared = judge(compared, bar);
    let (small, large) = (time(small), time(large));
    println!("{name:24} {small:>10} {large:>9} {growth:>20} {inline:>16} {compared:>15}");
    Ok(())
}

fn pool() -> Result<Pool, Error> {
    Pool::builder().processes(2).timeout(DEADLINE).build()
}

/// The number of runs of a size.
fn times(n: usize) -> usize {
    if n == SIZES[0] { 5 } else { 2 }
}

/// The best time of a graph that the workers know.
fn run<V: Values>(n: usize, graph: &Graph<V>) -> Result<Times, Error> {
    let pool = pool()?;
    let (mut best, mut inline) = (Duration::MAX, Duration::MAX);
    for time in 0..=times(n) {
        let start = Instant::now();
        let outcome = pool.run(graph)?;
        let elapsed = start.elapsed();
        if elapsed >= DEADLINE {
            return Ok(None);
        }
        drop(outcome);
        // The first run sends the graph, so it does not count.
        if time > 0 || elapsed > TIME_LIMIT {
            best = best.min(elapsed);
        }
        let start = Instant::now();
        drop(graph.run_inline()?);
        inline = inline.min(start.elapsed());
        if elapsed > TIME_LIMIT {
            break;
        }
    }
    Ok(Some((best, Some(inline))))
}

fn wide(n: usize) -> Graph<impl Values> {
    graph! { x[i in 0..n] = i; }
}

fn chain(n: usize) -> Graph<impl Values> {
    graph! { x[0] = 0_usize; x[i in 1..n] = x[i - 1] + 1; pub last = x[n - 1]; }
}

fn failing(n: usize) -> Graph<impl Values> {
    let n = n / 51;
    graph! {
        x[i in 0..n]: usize = Err("no")?;
        pub y[i in 0..n, k in 0..50] = x[i] + k;
    }
}

fn deep_failure(n: usize) -> Graph<impl Values> {
    graph! {
        x[0]: usize = Err("no")?;
        x[i in 1..n] = x[i - 1] + 1;
        pub last = x[n - 1];
    }
}

/// A graph in which one task fails, and all others need its result.
fn skip(n: usize) -> Graph<impl Values> {
    graph! {
        first: usize = Err("no")?;
        x[i in 0..n] = first + i;
        pub sum: usize = x.iter().sum();
    }
}

fn reduce(n: usize) -> Graph<impl Values> {
    graph! { x[i in 0..n] = i; pub sum = x.iter().sum::<usize>(); }
}

fn grow(n: usize) -> Graph<impl Values> {
    let n = n / 2;
    graph! {
        x[i in 0..n] = vec![0_u8; i % 8];
        y[i in 0..n] = x[(i + 1) % n].len() + x[(i * 7 + 1) % n].len();
        pub z: Vec<usize> = y;
    }
}

/// The best of a few measurements. Each has its own folder, in which tasks record their calls.
fn best(
    n: usize,
    measure: impl Fn(&Path) -> Result<Option<Duration>, Error>,
) -> Result<Times, Error> {
    let mut best = Duration::MAX;
    for time in 0..times(n) {
        let folder = Folder::new(time);
        match measure(&folder.path)? {
            Some(time) => best = best.min(time),
            None => return Ok(None),
        }
        if best > TIME_LIMIT {
            break;
        }
    }
    Ok(Some((best, None)))
}

/// A folder that is removed when this value is dropped.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(number: usize) -> Self {
        let name = format!("ampeg-growth-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Self { path }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If this fails, an empty folder remains.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Whether this is the first call with this number.
fn first(folder: &Path, number: usize) -> bool {
    std::fs::File::create_new(folder.join(number.to_string())).is_ok()
}

/// The time of a whole run, if it ended.
fn timed<V: Values>(graph: &Graph<V>) -> Result<Option<Duration>, Error> {
    let pool = pool()?;
    // The workers start and run another graph before the measurement.
    let _ = pool.run(&graph! { a = 1; b = 2; })?;
    let start = Instant::now();
    let outcome = pool.run(graph)?;
    let elapsed = start.elapsed();
    let ended = elapsed < DEADLINE && outcome.into_values().is_ok();
    Ok(ended.then_some(elapsed))
}

fn ring_and_hang(bell: SocketAddr) -> usize {
    // If nobody listens any more, this task will be killed.
    let _ = TcpStream::connect(bell);
    std::thread::sleep(Duration::from_secs(3600));
    0
}

/// The time from a cancel after half of the tasks to the end of the run.
fn cancelled(n: usize) -> Result<Times, Error> {
    let bell = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = bell.local_addr().expect("it is bound");
    best(n, |_| {
        let half = n / 2;
        let graph = graph! {
            x[i in 0..half] = i;
            sum: usize = x.iter().sum();
            hangs = ring_and_hang(address) + sum;
            y[i in 0..half] = hangs + i;
        };
        let pool = pool()?;
        let run = pool.start(&graph)?;
        // Waits until the task has connected, or the run has ended.
        bell.set_nonblocking(true).expect("a socket");
        while bell.accept().is_err() && !run.is_finished() {
            std::thread::sleep(Duration::from_micros(100));
        }
        let start = Instant::now();
        run.cancel();
        let _ = run.wait()?;
        Ok(Some(start.elapsed()))
    })
}

/// Fails at the first attempt. A worker makes the second one right after it.
fn fail_first(number: usize) -> Result<usize, &'static str> {
    static FAILED_LAST: AtomicUsize = AtomicUsize::new(usize::MAX);
    if FAILED_LAST.swap(number, Relaxed) == number {
        return Ok(number);
    }
    Err("not yet")
}

/// Each task fails once.
fn retries(n: usize) -> Result<Times, Error> {
    best(n, |_| {
        timed(&graph! { x[i in 0..n] = fail_first(i)? retry 1; })
    })
}

fn abort_first(folder: &Path, number: usize, every: usize) -> usize {
    if number % every == every / 2 && first(folder, number) {
        std::process::abort();
    }
    number
}

/// A fixed number of tasks abort once.
fn deaths(n: usize) -> Result<Times, Error> {
    let every = n / DEATHS;
    best(n, |folder| {
        timed(&graph! { x[i in 0..n] = abort_first(folder, i, every) retry 99; })
    })
}

/// Like [`deaths`], with inputs that are lost with their workers and computed again.
fn recomputation(n: usize) -> Result<Times, Error> {
    let (half, every) = (n / 2, n / 2 / DEATHS);
    best(n, |folder| {
        timed(&graph! {
            x[i in 0..half] = i;
            y[i in 0..half] = x[i] + x[(i * 7 + 1) % half] + abort_first(folder, i, every) retry 99;
            pub sum: usize = y.iter().sum();
        })
    })
}
