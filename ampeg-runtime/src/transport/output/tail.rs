//! The end of a stream, with the time at which each piece of it was read.

use super::TAIL;
use crate::base::clock::Timestamp;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct Tail {
    pieces: VecDeque<(Timestamp, Vec<u8>)>,
    size: usize,
}

impl Tail {
    /// Adds bytes that were read before this time.
    pub(super) fn push(&mut self, bytes: &[u8], time: Timestamp) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        self.pieces.push_back((time, bytes.to_vec()));
        self.size += bytes.len();
        while let Some((_, first)) = self.pieces.front_mut()
            && self.size > TAIL
        {
            let excess = (self.size - TAIL).min(first.len());
            first.drain(..excess);
            self.size -= excess;
            if first.is_empty() {
                self.pieces.pop_front();
            }
        }
    }

    /// The bytes without those that were certainly written before this time.
    pub(super) fn since(&self, start: Timestamp) -> Vec<u8> {
        let pieces = self.pieces.iter().filter(|(time, _)| *time >= start);
        pieces.flat_map(|(_, bytes)| bytes).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_is_left_out() {
        let mut tail = Tail::default();
        tail.push(b"before", 3);
        tail.push(b"after", 5);
        assert_eq!(tail.since(0), b"beforeafter");
        assert_eq!(tail.since(4), b"after");
        assert_eq!(tail.since(5), b"after");
        assert!(tail.since(6).is_empty());
    }

    #[test]
    fn no_more_than_the_end_is_kept() {
        let mut tail = Tail::default();
        let text: Vec<u8> = (0..=255).cycle().take(3 * TAIL).collect();
        let mut random = fastrand::Rng::with_seed(3);
        for longest in [10, 1_000, 2 * TAIL] {
            let mut left = &text[..];
            while !left.is_empty() {
                let (now, later) = left.split_at(random.usize(1..=longest.min(left.len())));
                tail.push(now, 1);
                left = later;
            }
            assert_eq!(tail.since(0), text[2 * TAIL..]);
            assert_eq!(tail.size, TAIL);
        }
    }
}
