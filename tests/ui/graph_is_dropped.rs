// A graph that nobody runs, a run that nobody waits for, and an outcome that nobody looks at.
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
