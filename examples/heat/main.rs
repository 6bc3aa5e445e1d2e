//! Heat spreads over a plate, cut into strips that exchange their edges: a stencil over time.
//!
//! ```text
//!   time ──▶   0        1        2        3
//!   strip 0    □ ─────▶ □ ─────▶ □ ─────▶ □
//!                 ╲   ╱    ╲   ╱    ╲   ╱
//!                   ╳        ╳        ╳           strip[t][s] needs strip[t - 1][s - 1],
//!                 ╱   ╲    ╱   ╲    ╱   ╲         strip[t - 1][s] and strip[t - 1][s + 1]
//!   strip 1    □ ─────▶ □ ─────▶ □ ─────▶ □
//!                 ╲   ╱    ╲   ╱    ╲   ╱
//!                   ╳        ╳        ╳
//!                 ╱   ╲    ╱   ╲    ╱   ╲
//!   strip 2    □ ─────▶ □ ─────▶ □ ─────▶ □
//! ```
//!
//! Between two exchanges, each strip makes as many small steps as the received edges have rows.
//! The result is compared with the same steps on the undivided plate, without ampeg.
//!
//! Run it with `cargo run --release --example heat -- [STRIPS [EXCHANGES [DRAWING.svg]]]`; the drawing is the Gantt
//! chart of the schedule.

use ampeg::{Pool, graph};
use std::error::Error;
use std::time::Instant;

const WIDTH: usize = 400;
const HEIGHT: usize = 320;
/// The number of small steps between two exchanges.
const STEPS: usize = 24;
const WORKERS: usize = 2;

/// Rows of temperatures.
type Rows = Vec<Vec<f64>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let n: usize = arguments.next().map_or(Ok(6), |it| it.parse())?;
    let times: usize = arguments.next().map_or(Ok(12), |it| it.parse())?;
    assert!(
        n > 0 && HEIGHT / n >= STEPS,
        "at most {} strips",
        HEIGHT / STEPS
    );

    let graph = graph! {
        strip[0, s in 0..n] = beginning(s, n) @ 0.1;
        strip[t in 1..=times, s in 0..n] =
            advance(&strip[t - 1][s.saturating_sub(1)..(s + 2).min(n)], s.min(1)) @ 1 via 0.05;
        pub plate = strip[times].concat() @ 0.1 via 0.05;
    };
    println!(
        "{n} strips, {times} exchanges: {} tasks",
        graph.task_graph()?.n_tasks()
    );

    let graph = graph.with_costs(&graph.run_inline()?.report().measured_costs());
    let schedule = graph.schedule(WORKERS)?;
    if let Some(drawing) = arguments.next() {
        std::fs::write(drawing, schedule.to_svg(graph.task_graph()?))?;
    }
    let outcome = Pool::new(WORKERS)?.run_schedule(&graph, &schedule)?;
    let time = outcome.report().duration();
    let plate = outcome.into_values()?.plate;

    let start = Instant::now();
    let in_one_piece = (0..times * STEPS).fold(beginning(0, 1), |rows, _| step(&rows));
    let time_in_one_piece = start.elapsed();
    assert_eq!(plate, in_one_piece, "strips change nothing");
    println!(
        "in one piece {:.0} ms, in strips on {WORKERS} workers {:.0} ms: speed-up {:.2}",
        time_in_one_piece.as_secs_f64() * 1e3,
        time.as_secs_f64() * 1e3,
        time_in_one_piece.as_secs_f64() / time.as_secs_f64(),
    );
    let warmest = plate.iter().flatten().copied().fold(0.0, f64::max);
    println!("the plates are equal; the warmest spot has {warmest:.1} °C left");
    Ok(())
}

/// The first row of strip `s` of `n`.
fn first_row(s: usize, n: usize) -> usize {
    s * HEIGHT / n
}

/// The strip `s` of `n` at the start: cold, with a hot spot in the middle of the plate.
fn beginning(s: usize, n: usize) -> Rows {
    let is_hot = |row: usize, column: usize| {
        row.abs_diff(HEIGHT / 2) < 20 && column.abs_diff(WIDTH / 2) < 20
    };
    let row = |row| (0..WIDTH).map(move |column| if is_hot(row, column) { 100.0 } else { 0.0 });
    (first_row(s, n)..first_row(s + 1, n))
        .map(|index| row(index).collect())
        .collect()
}

/// The strip `own` after some steps, computed from this strip and its neighbours.
fn advance(strips: &[Rows], own: usize) -> Rows {
    let above = strips[..own].iter().map(Vec::len).sum::<usize>().min(STEPS);
    let below = strips[own + 1..]
        .iter()
        .map(Vec::len)
        .sum::<usize>()
        .min(STEPS);
    let mut rows = Rows::new();
    for strip in &strips[..own] {
        rows.extend_from_slice(&strip[strip.len() - above..]);
    }
    rows.extend_from_slice(&strips[own]);
    for strip in &strips[own + 1..] {
        rows.extend_from_slice(&strip[..below]);
    }
    for _ in 0..STEPS {
        rows = step(&rows);
    }
    // The rows near the cut edges are wrong now. They belong to the neighbours.
    rows.drain(..above);
    rows.truncate(strips[own].len());
    rows
}

/// A small step of the heat equation. No heat flows over the edges.
fn step(rows: &Rows) -> Rows {
    let flow = |here: f64, there: Option<f64>| there.map_or(0.0, |there| there - here);
    let new_row = |index: usize| {
        let row = &rows[index];
        let above = index.checked_sub(1).map(|index| &rows[index]);
        let below = rows.get(index + 1);
        let new = |(column, &here): (usize, &f64)| {
            let left = column.checked_sub(1).map(|column| row[column]);
            let right = row.get(column + 1).copied();
            let sideways = flow(here, left) + flow(here, right);
            let upright =
                flow(here, above.map(|row| row[column])) + flow(here, below.map(|row| row[column]));
            here + 0.2 * (sideways + upright)
        };
        row.iter().enumerate().map(new).collect()
    };
    (0..rows.len()).map(new_row).collect()
}
