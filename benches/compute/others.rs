//! The same work without a graph: in one thread, on the threads of rayon, and on the processes of procspawn.

use super::kernels::{Block, factor, matrix, solve, update};
use rayon::prelude::*;

/// The same work in one thread.
pub(crate) fn sequential<const SIZE: usize>(n: usize) -> f64 {
    let mut blocks = blocks::<SIZE>(n);
    for k in 0..n {
        let diagonal = factor::<SIZE>(std::mem::take(&mut blocks[k][k]));
        for i in k + 1..n {
            blocks[i][k] = solve::<SIZE>(std::mem::take(&mut blocks[i][k]), &diagonal);
        }
        blocks[k][k] = diagonal;
        for i in k + 1..n {
            for j in k + 1..=i {
                let block = std::mem::take(&mut blocks[i][j]);
                blocks[i][j] = update::<SIZE>(block, &blocks[i][k], &blocks[j][k]);
            }
        }
    }
    trace(&blocks)
}

/// The same work on rayon's threads, column by column.
pub(crate) fn side_by_side<const SIZE: usize>(n: usize) -> f64 {
    let mut blocks = blocks::<SIZE>(n);
    for k in 0..n {
        let diagonal = factor::<SIZE>(std::mem::take(&mut blocks[k][k]));
        blocks[k + 1..].par_iter_mut().for_each(|row| {
            row[k] = solve::<SIZE>(std::mem::take(&mut row[k]), &diagonal);
        });
        blocks[k][k] = diagonal;
        let take = |row: &mut Vec<Block>| row.get_mut(k).map(std::mem::take);
        let column: Vec<Option<Block>> = blocks.iter_mut().map(take).collect();
        let rest: Vec<_> = blocks
            .iter_mut()
            .enumerate()
            .skip(k + 1)
            .flat_map(|(i, row)| {
                row.iter_mut()
                    .enumerate()
                    .skip(k + 1)
                    .map(move |(j, block)| (i, j, block))
            })
            .collect();
        rest.into_par_iter().for_each(|(i, j, block)| {
            if let (Some(left), Some(above)) = (&column[i], &column[j]) {
                *block = update::<SIZE>(std::mem::take(block), left, above);
            }
        });
        for (row, block) in blocks.iter_mut().zip(column) {
            if let Some(block) = block {
                row[k] = block;
            }
        }
    }
    trace(&blocks)
}

/// The same work on the processes of procspawn, column by column. All blocks pass through this process.
///
/// At most as many calls wait as there are processes: with more calls of this size, procspawn would deadlock.
pub(crate) fn procspawn_side_by_side<const SIZE: usize>(
    n: usize,
    pool: &procspawn::Pool,
    n_processes: usize,
) -> f64 {
    let mut blocks = blocks::<SIZE>(n);
    for k in 0..n {
        let diagonal = factor::<SIZE>(std::mem::take(&mut blocks[k][k]));
        for rows in blocks[k + 1..].chunks_mut(n_processes) {
            let solved = rows.iter_mut().map(|row| {
                let given = (std::mem::take(&mut row[k]), diagonal.clone());
                pool.spawn(given, |(block, diagonal)| solve::<SIZE>(block, &diagonal))
            });
            let solved: Vec<_> = solved.collect();
            for (row, block) in rows.iter_mut().zip(solved) {
                row[k] = block.join().expect("a block");
            }
        }
        blocks[k][k] = diagonal;
        let rest = (k + 1..n).flat_map(|i| (k + 1..=i).map(move |j| (i, j)));
        let rest: Vec<(usize, usize)> = rest.collect();
        for places in rest.chunks(n_processes) {
            let updated = places.iter().map(|&(i, j)| {
                let block = std::mem::take(&mut blocks[i][j]);
                let given = (block, blocks[i][k].clone(), blocks[j][k].clone());
                pool.spawn(given, |(block, left, above)| {
                    update::<SIZE>(block, &left, &above)
                })
            });
            let updated: Vec<_> = updated.collect();
            for (&(i, j), block) in places.iter().zip(updated) {
                blocks[i][j] = block.join().expect("a block");
            }
        }
    }
    trace(&blocks)
}

/// The lower half of the matrix.
fn blocks<const SIZE: usize>(n: usize) -> Vec<Vec<Block>> {
    let row = |i| (0..=i).map(|j| matrix::<SIZE>(i, j, n)).collect();
    (0..n).map(row).collect()
}

fn trace(blocks: &[Vec<Block>]) -> f64 {
    let diagonal = blocks.iter().enumerate().map(|(i, row)| &row[i]);
    diagonal.map(|block| block.iter().sum::<f64>()).sum()
}
