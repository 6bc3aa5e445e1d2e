//! The arithmetic of a blocked Cholesky factorization, on square blocks in rows, of `SIZE` rows each.

/// A square block, row by row.
pub(crate) type Block = Vec<f64>;

/// A block of a symmetric positive definite matrix: small off the diagonal, large on it.
pub(crate) fn matrix<const SIZE: usize>(row: usize, column: usize, n_blocks: usize) -> Block {
    let order = (n_blocks * SIZE) as f64;
    let entry = |i: usize, j: usize| {
        let distance = i.abs_diff(j) as f64;
        if i == j {
            order
        } else {
            1.0 / (1.0 + distance)
        }
    };
    let cells = (0..SIZE).flat_map(|i| (0..SIZE).map(move |j| (i, j)));
    cells
        .map(|(i, j)| entry(row * SIZE + i, column * SIZE + j))
        .collect()
}

/// The lower triangular factor of a block on the diagonal.
pub(crate) fn factor<const SIZE: usize>(mut block: Block) -> Block {
    for j in 0..SIZE {
        let (above, below) = block.split_at_mut(j * SIZE);
        let row = &mut below[..SIZE];
        for k in 0..j {
            let other = &above[k * SIZE..][..SIZE];
            row[k] = (row[k] - dot(&row[..k], &other[..k])) / other[k];
        }
        row[j] = (row[j] - dot(&row[..j], &row[..j])).sqrt();
        row[j + 1..].fill(0.0);
    }
    block
}

/// The block of the factor below a block on the diagonal.
pub(crate) fn solve<const SIZE: usize>(mut block: Block, diagonal: &Block) -> Block {
    for row in block.chunks_exact_mut(SIZE) {
        for k in 0..SIZE {
            let other = &diagonal[k * SIZE..][..SIZE];
            row[k] = (row[k] - dot(&row[..k], &other[..k])) / other[k];
        }
    }
    block
}

/// The block minus the product of two blocks of the factor.
pub(crate) fn update<const SIZE: usize>(mut block: Block, left: &Block, above: &Block) -> Block {
    for (row, left) in block.chunks_exact_mut(SIZE).zip(left.chunks_exact(SIZE)) {
        for (cell, above) in row.iter_mut().zip(above.chunks_exact(SIZE)) {
            *cell -= dot(left, above);
        }
    }
    block
}

/// The product of two vectors, in four lanes, so that the compiler uses vector instructions.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (lefts, rights) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest = lefts.remainder().iter().zip(rights.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in lefts.zip(rights) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    rest + sums.iter().sum::<f64>()
}
