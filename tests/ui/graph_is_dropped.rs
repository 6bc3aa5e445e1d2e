// A graph that is not run, a run without a wait, and an outcome that is not used.
#![deny(unused_must_use)]

use ampeg::{Error, Pool, graph};

fn main() -> Result<(), Error> {
    graph! { a = 1; };
    graph! { a = 1; }.run(2)?;
    let pool = Pool::new(2)?;
    pool.start(&graph! { a = 1; })?;
    Pool::new(2)?;
    Ok(())
}
