//! The work of `benches/peers.py`, by this crate and by procspawn: six tasks on new processes, a chain of tiny tasks,
//! and 100 MB from process to process. Results of procspawn pass through the caller.
//!
//! Run it with `cargo bench --bench peers`. The script passes `--json` after `--`.

use ampeg::{Error, Pool, graph};
use std::time::Duration;
use timing::{apart, median};

mod timing;

const LINKS: u32 = 300;
/// The number of floats in 100 MB.
const LARGE: usize = 100_000_000 / 8;

fn main() -> Result<(), Error> {
    // The processes of procspawn never return from this call.
    procspawn::init();
    let ours = Figures::of(six, |pool: &Pool| chain(pool), large, || Pool::new(2))?;
    let theirs = Figures::of(procspawn_six, procspawn_chain, procspawn_large, || {
        Ok(procspawn_pool())
    })?;
    if std::env::args().any(|argument| argument == "--json") {
        let (ours, theirs) = (ours.to_json(), theirs.to_json());
        println!("{{\"this crate\": {ours}, \"procspawn\": {theirs}}}");
        return Ok(());
    }
    println!("                                    ampeg    procspawn");
    let row = |what: &str, ours: f64, theirs: f64, unit: &str| {
        println!("{what:<31}{ours:>10.1} {theirs:>12.1} {unit}");
    };
    row(
        "six tasks on two new processes",
        ours.cold,
        theirs.cold,
        "ms",
    );
    row("a tiny task of a chain", ours.chain, theirs.chain, "µs");
    row("100 MB from one to another", ours.large, theirs.large, "ms");
    Ok(())
}

struct Figures {
    /// In milliseconds.
    cold: f64,
    /// In microseconds, for each task.
    chain: f64,
    /// In milliseconds.
    large: f64,
}

impl Figures {
    fn of<P>(
        cold: impl FnMut() -> Result<(), Error>,
        chain: impl Fn(&P) -> Result<(), Error>,
        large: impl Fn(&P) -> Result<(), Error>,
        pool: impl Fn() -> Result<P, Error>,
    ) -> Result<Self, Error> {
        let cold = median(31, cold)?;
        let pool = pool()?;
        let chain = median(31, || chain(&pool))? / LINKS;
        let large = median(9, || large(&pool))?;
        let milliseconds = |time: Duration| 1e3 * time.as_secs_f64();
        Ok(Self {
            cold: milliseconds(cold),
            chain: 1e3 * milliseconds(chain),
            large: milliseconds(large),
        })
    }

    fn to_json(&self) -> String {
        let Self { cold, chain, large } = self;
        format!("{{\"cold\": {cold}, \"chain\": {chain}, \"large\": {large}}}")
    }
}

fn six() -> Result<(), Error> {
    let graph = graph! {
        a = 3 * 3 @ 10.8;
        b = 4 * 4 @ 10.8;
        h = 10 / 2 @ 11;
        c = a + b @ 10.7 via 1;
        d = a * h @ 10.8 via 1;
        e = c - d @ 10.9 via 1;
    };
    assert_eq!(graph.run(2)?.e, Ok(-20));
    Ok(())
}

fn chain(pool: &Pool) -> Result<(), Error> {
    let n = LINKS as usize;
    let graph = graph! { a[0] = 1_u32; a[i in 1..n] = a[i - 1] + 1; pub last = a[n - 1]; };
    assert_eq!(pool.run(&graph)?.last, Ok(LINKS));
    Ok(())
}

fn large(pool: &Pool) -> Result<(), Error> {
    let n = LARGE;
    let graph = graph! { made = vec![0.5; n]; pub sum = made.iter().sum::<f64>(); };
    let outcome = pool.run_schedule(&graph, &apart(&graph)?)?;
    assert_eq!(outcome.sum, Ok(6_250_000.0));
    Ok(())
}

fn procspawn_pool() -> procspawn::Pool {
    procspawn::Pool::new(2).expect("two processes")
}

/// The six tasks on procspawn, each called as soon as its arguments are known.
#[allow(
    clippy::many_single_char_names,
    clippy::unnecessary_wraps,
    reason = "the names are those of the tasks, and it is measured like what may fail"
)]
fn procspawn_six() -> Result<(), Error> {
    let pool = procspawn_pool();
    let a = pool.spawn(3, |x| x * x);
    let b = pool.spawn(4, |x| x * x);
    let h = pool.spawn(10, |x| x / 2);
    let [a, b] = [a, b].map(|it| it.join().expect("a result"));
    let c = pool.spawn((a, b), |(a, b)| a + b);
    let h = h.join().expect("a result");
    let d = pool.spawn((a, h), |(a, h)| a * h);
    let [c, d] = [c, d].map(|it| it.join().expect("a result"));
    let e = pool.spawn((c, d), |(c, d)| c - d);
    assert_eq!(e.join().expect("a result"), -20);
    Ok(())
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it is measured like what may fail"
)]
fn procspawn_chain(pool: &procspawn::Pool) -> Result<(), Error> {
    let next = |number, _| {
        pool.spawn(number, |number| number + 1)
            .join()
            .expect("a result")
    };
    assert_eq!((0..LINKS).fold(0, next), LINKS);
    Ok(())
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it is measured like what may fail"
)]
fn procspawn_large(pool: &procspawn::Pool) -> Result<(), Error> {
    let made = pool
        .spawn(LARGE, |n| vec![0.5; n])
        .join()
        .expect("a result");
    let sum = pool.spawn(made, |made: Vec<f64>| made.iter().sum::<f64>());
    assert_eq!(sum.join().expect("a result"), 6_250_000.0);
    Ok(())
}
