//! Costs guessed, then measured, saved, and used for the next schedule.
//!
//! ```text
//!     short   long_1   long_2   long_3
//!       │        │        │        │
//!       └────────┴───┬────┴────────┘
//!                  total
//! ```
//!
//! Run it with `cargo run --release --example measured_costs`.

use ampeg::{MeasuredCosts, Pool, graph};

/// Sums the lengths of the first `n` Collatz sequences. The time of this work is hard to guess.
fn walk(n: u64) -> u64 {
    let step = |x: u64| {
        if x.is_multiple_of(2) {
            x / 2
        } else {
            3 * x + 1
        }
    };
    (1..=n)
        .map(|start| {
            std::iter::successors(Some(start), |&x| (x > 1).then(|| step(x))).count() as u64
        })
        .sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A wrong guess: the first task has the highest cost.
    let guessed = graph! {
        short = walk(1_000) @ 3;
        long_1 = walk(100_000);
        long_2 = walk(100_000);
        long_3 = walk(200_000);
        pub total = short + long_1 + long_2 + long_3;
    };
    let pool = Pool::new(2)?;
    let first = pool.run(&guessed)?;
    println!("as guessed:\n{}\n", first.report());

    // The costs can be saved in any format that serde supports.
    let saved = serde_json::to_string_pretty(&first.report().measured_costs())?;
    let costs: MeasuredCosts = serde_json::from_str(&saved)?;

    let measured = guessed.with_costs(&costs);
    let second = pool.run(&measured)?;
    println!("as measured:\n{}", second.report());

    assert_eq!(first.total, second.total);
    let is_longest_alone = |task: &str| costs.computation[task] <= costs.computation["long_3"];
    assert!(is_longest_alone("short"));
    Ok(())
}
