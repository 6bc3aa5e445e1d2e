//! A large symmetric matrix taken apart as `L Lᵀ`, block by block (Cholesky's method).
//!
//! ```text
//!   state[0]            l[.][0]         state[1]           l[.][1]
//!   ┌──┐                ┌──┐
//!   │00│     factor     │00│
//!   ├──┼──┐  ───────▶   ├──┤   update   ┌──┐     factor    ┌──┐
//!   │10│11│  and solve  │10│  ───────▶  │11│    ───────▶   │11│   and so on
//!   ├──┼──┼──┐          ├──┤            ├──┼──┐ and solve  ├──┤
//!   │20│21│22│          │20│            │21│22│            │21│
//!   └──┴──┴──┘          └──┘            └──┴──┘            └──┘
//! ```
//!
//! `state[k][i][j]` is the block in row `i` and column `j` after `k` updates, and `l` the result.
//! The families `state` and `l` depend on each other, so one of them needs a written type.
//!
//! Run it with `cargo run --release --example cholesky -- [BLOCKS [SIZE [DRAWING.dot]]]`.

mod block;

use ampeg::{Pool, graph};
use block::{Block, factor, solve, update};
use std::error::Error;

const WORKERS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let n: usize = arguments.next().map_or(Ok(6), |it| it.parse())?;
    let size: usize = arguments.next().map_or(Ok(192), |it| it.parse())?;

    let graph = graph! {
        state[0, i in 0..n, j in 0..=i] = matrix(size, i, j) @ 0.1;
        state[k in 1..n, i in k..n, j in k..=i] =
            update(state[k - 1][i][j], &l[i][k - 1], &l[j][k - 1]) @ 2 via 0.1;
        pub l[i in 0..n, j in 0..=i]: Block = if i == j {
            factor(state[i][i][i])?
        } else {
            solve(state[j][i][j], &l[j][j])
        } @ if i == j { 0.5 } else { 1.0 } via 0.1;
    };
    let tasks = graph.task_graph()?;
    println!(
        "{n} × {n} blocks of {size} × {size}: {} tasks, {} dependencies",
        tasks.n_tasks(),
        tasks.n_dependencies()
    );
    if let Some(drawing) = arguments.next() {
        std::fs::write(drawing, graph.to_dot()?)?;
    }

    let inline = graph.run_inline()?;
    let graph = graph.with_costs(&inline.report().measured_costs());
    let parallel = Pool::new(WORKERS)?.run(&graph)?;
    let (alone, together) = (inline.report().duration(), parallel.report().duration());
    println!(
        "inline {:.0} ms, on {WORKERS} workers {:.0} ms: speed-up {:.2}, predicted {:.2}",
        alone.as_secs_f64() * 1e3,
        together.as_secs_f64() * 1e3,
        alone.as_secs_f64() / together.as_secs_f64(),
        graph.schedule(WORKERS)?.speed_up(graph.task_graph()?)?
    );

    let l = parallel.into_values()?.l;
    println!("largest error of L Lᵀ: {:.1e}", largest_error(&l, size));
    assert!(largest_error(&l, size) < 1e-9);
    Ok(())
}

/// The element of the matrix at (row, column). Elements on the diagonal are large, so the matrix is positive definite.
fn value(row: usize, column: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "rows of a matrix in memory")]
    let distance = row.abs_diff(column) as f64;
    1.0 / (1.0 + distance) + if row == column { 2.0 } else { 0.0 }
}

/// The block of the matrix in row `i` and column `j` of blocks.
fn matrix(size: usize, i: usize, j: usize) -> Block {
    Block::new(size, |row, column| value(i * size + row, j * size + column))
}

/// The largest difference between the matrix and the product, along some rows and columns.
fn largest_error(l: &[Vec<Block>], size: usize) -> f64 {
    let n = l.len() * size;
    let entry = |row: usize, column: usize| {
        let blocks = l[row / size].iter().zip(&l[column / size]);
        let products = blocks.map(|(left, right)| {
            let pairs = left.row(row % size).iter().zip(right.row(column % size));
            pairs.map(|(x, y)| x * y).sum::<f64>()
        });
        products.sum::<f64>()
    };
    let places = (0..n)
        .step_by(7)
        .flat_map(|row| (0..=row).step_by(13).map(move |column| (row, column)));
    let errors = places.map(|(row, column)| (entry(row, column) - value(row, column)).abs());
    errors.fold(0.0, f64::max)
}
