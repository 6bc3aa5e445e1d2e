//! Six tasks on three worker processes.
//!
//! ```text
//!    a = 3²    b = 4²   h = 10/2
//!     │ └────┐ ┌─┘         │
//!     │      c = a + b     │
//!     │      └──────┐      │
//!     └──────── d = a·h ───┘
//!               └─┐ │
//!             e = c - d
//! ```
//!
//! Run it with `cargo run --release --example quick_start`.

use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}

fn half(x: i64) -> i64 {
    x / 2
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn mul(x: i64, y: i64) -> i64 {
    x * y
}

fn sub(x: i64, y: i64) -> i64 {
    x - y
}

fn main() -> Result<(), ampeg::Error> {
    let pythagoras = graph! {
        a = square(3) @ 10.8;
        b = square(4) @ 10.8;
        h = half(10)  @ 11;
        c = add(a, b) @ 10.7 via 1;
        d = mul(a, h) @ 10.8 via 1;
        e = sub(c, d) @ 10.9 via 1;
    };

    let plan = pythagoras.schedule(3)?;
    println!("{}\n", plan.to_table(pythagoras.task_graph()?));
    let outcome = pythagoras.run(3)?;
    println!(
        "a = {:?}, c = {:?}, d = {:?}",
        outcome.a, outcome.c, outcome.d
    );
    println!("e = {:?}", outcome.e);
    assert_eq!(outcome.e, Ok(-20));
    Ok(())
}
