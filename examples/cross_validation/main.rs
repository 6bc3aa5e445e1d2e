//! How many similar days predict tomorrow's weather best? Cross-validation on four years of real weather.
//!
//! ```text
//!              ┌ candidate 0 ─────────────────┐  ┌ candidate 1 ─ …
//!   days ─────▶│ fold 0  fold 1  …  fold k-1  │
//!      │       │   └───────┼──── … ───┘       │
//!      │       │         score ───────────────┼──▶ best ──▶ final error, on days that no fold has seen
//!      │       └──────────────────────────────┘              ▲
//!      └──────────────────────────────────────────────────────┘
//! ```
//!
//! Each candidate is a number of neighbours. A fold leaves out one part of the days, predicts these days from the most
//! similar days of the other parts, and returns the mean error.
//! A group with an index contains the tasks of each candidate.
//!
//! Run it with `cargo run --release --example cross_validation`.

#[path = "../seattle_weather/data.rs"]
#[allow(dead_code, reason = "this example needs less of it than the other")]
mod data;

use ampeg::graph;
use data::{Day, read_days};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::f64::consts::TAU;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/seattle-weather.csv"
);
const FOLDS: usize = 5;
const NEIGHBOURS: [usize; 6] = [1, 5, 15, 40, 100, 300];
/// The number of consecutive days that stay together in a fold, since each day is similar to the next.
const ROW: usize = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| DATA.to_owned());
    let graph = graph! {
        days = read_days(&path)?;
        last_year = days.last().ok_or("there is no day")?.year;
        known = cases(&days, |year| year != last_year);
        unseen = cases(&days, |year| year == last_year);
        candidate[c in 0..NEIGHBOURS.len()]: {
            fold[f in 0..FOLDS]: {
                error = fold_error(&known, f, NEIGHBOURS[c]) @ 20 via 1;
            }
            /// The mean error over all folds, in degrees.
            pub score = mean(&fold.error);
        }
        pub best = smallest(&candidate.score);
        pub error = mean_error(known.iter(), &unseen, NEIGHBOURS[best]) @ 20 via 1;
    };
    let outcome = graph.run(2)?;
    println!("{}\n", outcome.report());
    let values = outcome.into_values()?;
    println!("mean error when tomorrow's high is predicted from similar days, {FOLDS} folds");
    for (neighbours, candidate) in NEIGHBOURS.iter().zip(&values.candidate) {
        println!("{neighbours:5} days  {:.3} °C", candidate.score);
    }
    let best = NEIGHBOURS[values.best];
    println!(
        "best: {best} days; in the last year, which no fold has seen, {:.3} °C",
        values.error
    );
    Ok(())
}

/// The features of a day, and the high of the next day.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Case {
    today: [f64; 5],
    tomorrow: f64,
}

/// All pairs of a day and the next day, in the years that are `wanted`.
fn cases(days: &[Day], wanted: impl Fn(u32) -> bool) -> Vec<Case> {
    let case = |pair: &[Day]| {
        let season = TAU * f64::from(pair[0].yearday) / 365.25;
        Case {
            today: [
                pair[0].high,
                8.0 * season.cos(),
                8.0 * season.sin(),
                pair[0].wind,
                pair[0].precipitation.min(10.0) / 2.0,
            ],
            tomorrow: pair[1].high,
        }
    };
    days.windows(2)
        .filter(|pair| wanted(pair[0].year))
        .map(case)
        .collect()
}

/// The mean error on one part of the cases, predicted from all other parts.
fn fold_error(cases: &[Case], fold: usize, n: usize) -> f64 {
    let is_left_out = |index: usize| index / ROW % FOLDS == fold;
    let others = (0..cases.len()).filter(|&index| !is_left_out(index));
    let left_out = (0..cases.len()).filter(|&index| is_left_out(index));
    let left_out: Vec<Case> = left_out.map(|index| cases[index].clone()).collect();
    mean_error(others.map(|index| &cases[index]), &left_out, n)
}

/// The mean error if each of `cases` is predicted as the mean of the `n` most similar cases in `from`.
fn mean_error<'a>(from: impl Iterator<Item = &'a Case>, cases: &[Case], n: usize) -> f64 {
    let from: Vec<&Case> = from.collect();
    let error = |case: &Case| {
        let mut near: Vec<(f64, f64)> = from
            .iter()
            .map(|it| (distance(it, case), it.tomorrow))
            .collect();
        let n = n.min(near.len());
        near.select_nth_unstable_by(n - 1, |left, right| left.0.total_cmp(&right.0));
        let tomorrows: Vec<f64> = near[..n].iter().map(|(_, tomorrow)| *tomorrow).collect();
        (mean(&tomorrows) - case.tomorrow).abs()
    };
    mean(&cases.iter().map(error).collect::<Vec<_>>())
}

#[allow(clippy::cast_precision_loss, reason = "days of a few years")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn distance(left: &Case, right: &Case) -> f64 {
    let pairs = left.today.iter().zip(&right.today);
    pairs.map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The index of the smallest score.
fn smallest(scores: &[f64]) -> usize {
    let scores = scores.iter().enumerate();
    scores
        .min_by(|left, right| left.1.total_cmp(right.1))
        .map_or(0, |(place, _)| place)
}
