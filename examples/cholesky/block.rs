//! Square blocks of a symmetric matrix, and the three steps of a Cholesky factorization on them.

use serde::{Deserialize, Serialize};

/// A square block, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    size: usize,
    values: Vec<f64>,
}

impl Block {
    /// The block with `value(row, column)` in each place.
    pub(crate) fn new(size: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        let places = (0..size * size).map(|place| (place / size, place % size));
        let values = places.map(|(row, column)| value(row, column)).collect();
        Self { size, values }
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.size..][..self.size]
    }
}

/// The lower triangular `L` with `L Lᵀ` equal to `block`.
///
/// Fails if the matrix is not positive definite.
pub(crate) fn factor(mut block: Block) -> Result<Block, String> {
    let size = block.size;
    for i in 0..size {
        for j in 0..=i {
            let rest = block.row(i)[j] - dot(&block.row(i)[..j], &block.row(j)[..j]);
            block.values[i * size + j] = if i > j {
                rest / block.row(j)[j]
            } else if rest > 0.0 {
                rest.sqrt()
            } else {
                return Err(format!(
                    "the matrix is not positive definite: {rest} in row {i}"
                ));
            };
        }
        block.values[i * size..][i + 1..size].fill(0.0);
    }
    Ok(block)
}

/// The `X` with `X Lᵀ` equal to `block`, for a lower triangular `L`.
pub(crate) fn solve(mut block: Block, lower: &Block) -> Block {
    let size = block.size;
    for i in 0..size {
        for j in 0..size {
            let rest = block.row(i)[j] - dot(&block.row(i)[..j], &lower.row(j)[..j]);
            block.values[i * size + j] = rest / lower.row(j)[j];
        }
    }
    block
}

/// `block` less `left rightᵀ`.
pub(crate) fn update(mut block: Block, left: &Block, right: &Block) -> Block {
    let size = block.size;
    for i in 0..size {
        for j in 0..size {
            block.values[i * size + j] -= dot(left.row(i), right.row(j));
        }
    }
    block
}

/// Eight sums in parallel, for vector instructions of the processor.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left_chunks, right_chunks) = (left.chunks_exact(8), right.chunks_exact(8));
    let rests = left_chunks.remainder().iter().zip(right_chunks.remainder());
    let rest: f64 = rests.map(|(x, y)| x * y).sum();
    for (x, y) in left_chunks.zip(right_chunks) {
        for place in 0..8 {
            sums[place] += x[place] * y[place];
        }
    }
    rest + sums.iter().sum::<f64>()
}
