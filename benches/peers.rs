//! The work that `benches/peers.py` has others do: six tasks from nothing, a chain of tiny ones, and 100 MB across.
//!
//! Run it with `cargo bench --bench peers`; `--json` behind `--` is for that script.

use ampeg::{Error, Pool, graph};
use std::time::Duration;
use timing::{apart, median};

mod timing;

const LINKS: u32 = 300;

fn main() -> Result<(), Error> {
    let cold = median(31, six)?;
    let pool = Pool::new(2)?;
    let chain = median(31, || chain(&pool))? / LINKS;
    let large = median(9, || large(&pool))?;
    let milliseconds = |time: Duration| 1e3 * time.as_secs_f64();
    let (cold, large) = (milliseconds(cold), milliseconds(large));
    let chain = 1e6 * chain.as_secs_f64();
    if std::env::args().any(|argument| argument == "--json") {
        println!("{{\"cold\": {cold}, \"chain\": {chain}, \"large\": {large}}}");
    } else {
        println!("six tasks on two new processes {cold:.1} ms");
        println!("a tiny task of a chain         {chain:.2} µs");
        println!("100 MB from one to another     {large:.1} ms");
    }
    Ok(())
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
    let n = 100_000_000 / 8;
    let graph = graph! { made = vec![0.5; n]; pub sum = made.iter().sum::<f64>(); };
    let outcome = pool.run_schedule(&graph, &apart(&graph)?)?;
    assert_eq!(outcome.sum, Ok(6_250_000.0));
    Ok(())
}
