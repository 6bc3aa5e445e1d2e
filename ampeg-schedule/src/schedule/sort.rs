//! Sorts by a number, in linear time if the numbers are spread evenly.

use super::arrivals::later;
use crate::task_graph::cost::count;
use std::cmp::Ordering;

/// Fewer items than this are sorted by the standard library.
const FEW: usize = 64;

/// Sorts by `compare`, and keeps the order of equal items.
///
/// `key` must agree with `compare`: an item that comes first must not have a larger key. No key may be infinite or a
/// NaN. Takes O(n) time if keys are spread evenly, and O(n log n) time in the worst case.
pub(crate) fn sort_spread<T: Copy>(
    items: &mut [T],
    scratch: &mut Vec<T>,
    key: impl Fn(&T) -> f64,
    compare: impl Fn(&T, &T) -> Ordering,
) {
    if items.len() < FEW {
        items.sort_by(compare);
        return;
    }
    let first = key(&items[0]);
    let (low, high) = items.iter().map(&key).fold((first, first), |range, key| {
        (-later(-range.0, -key), later(range.1, key))
    });
    let last_bucket = items.len() / 2;
    let scale = count(last_bucket) / (high - low);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded towards zero; out of range only if `scale` is, and then still in order"
    )]
    let bucket = |item: &T| (((key(item) - low) * scale) as usize).min(last_bucket);
    let mut ends = vec![0_u32; last_bucket + 1];
    for item in &*items {
        ends[bucket(item)] += 1;
    }
    let mut n_before = 0;
    for end in &mut ends {
        let n = *end;
        *end = n_before;
        n_before += n;
    }
    scratch.clear();
    scratch.extend_from_slice(items);
    for item in &*scratch {
        let end = &mut ends[bucket(item)];
        items[*end as usize] = *item;
        *end += 1;
    }
    let mut start = 0;
    for end in ends {
        let end = end as usize;
        if end - start > 1 {
            items[start..end].sort_by(&compare);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts the numbers together with their positions.
    fn check(numbers: impl Iterator<Item = f64>) {
        let items: Vec<(f64, usize)> = numbers.zip(0..).collect();
        let compare = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0);
        let mut expected = items.clone();
        expected.sort_by(compare);
        let mut found = items;
        sort_spread(&mut found, &mut Vec::new(), |item| item.0, compare);
        assert_eq!(found, expected);
    }

    #[test]
    fn agrees_with_the_standard_sort() {
        let mut random = fastrand::Rng::with_seed(2);
        for n in [0, 1, 2, 63, 64, 65, 1000, 5000] {
            check((0..n).map(|_| random.f64()));
            check((0..n).map(|_| f64::from(random.u8(..10))));
            check((0..n).map(|_| 1e100 * random.f64().powi(40)));
            check((0..n).map(|_| f64::from_bits(random.u64(..3))));
            check((0..n).map(|_| 7.0));
        }
    }
}
