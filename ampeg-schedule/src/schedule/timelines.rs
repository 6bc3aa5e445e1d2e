//! The timelines of all processors, with the numbers that a search over processors reads stored side by side.

use super::arrivals::{earlier, later};
use super::timeline::Timeline;

/// The number of processors in a block. It is small enough for few processors, and the compiler can use vector
/// instructions.
const BLOCK: usize = 8;

/// The busy and free times of all processors.
#[derive(Debug, Clone)]
pub(crate) struct Timelines {
    timelines: Vec<Timeline>,
    blocks: Vec<Block>,
}

/// The numbers that a search reads of some processors. The last block is filled up with processors that are never
/// free.
#[derive(Debug, Clone)]
struct Block {
    /// By processor: the end of its last slot.
    finishes: [f64; BLOCK],
    /// By processor: the end of its last gap; minus infinity without gaps.
    gap_ends: [f64; BLOCK],
    /// By processor: the length of the longest slot that may fit into a gap.
    gap_lengths: [f64; BLOCK],
}

/// A processor, and the start and finish of a task there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) processor: usize,
    pub(crate) start: f64,
    pub(crate) finish: f64,
}

impl Position {
    /// Worse than any other position.
    pub(crate) const NONE: Self = Self {
        processor: usize::MAX,
        start: f64::INFINITY,
        finish: f64::INFINITY,
    };

    /// Whether this position has an earlier finish, or the same finish on a smaller processor.
    fn is_better_than(&self, other: &Self) -> bool {
        (self.finish, self.processor) < (other.finish, other.processor)
    }
}

impl Timelines {
    /// Free processors, for tasks that take at least `shortest`.
    pub(crate) fn new(n_processors: usize, shortest: f64) -> Self {
        let never = Block {
            finishes: [f64::INFINITY; BLOCK],
            gap_ends: [f64::NEG_INFINITY; BLOCK],
            gap_lengths: [f64::NEG_INFINITY; BLOCK],
        };
        let mut blocks = vec![never; n_processors.div_ceil(BLOCK)];
        for processor in 0..n_processors {
            blocks[processor / BLOCK].finishes[processor % BLOCK] = 0.0;
        }
        Self {
            timelines: vec![Timeline::new(shortest); n_processors],
            blocks,
        }
    }

    /// The time from which on `processor` has no more slots.
    pub(crate) fn finish(&self, processor: usize) -> f64 {
        self.blocks[processor / BLOCK].finishes[processor % BLOCK]
    }

    /// Occupies a slot, which must be free.
    pub(crate) fn occupy(&mut self, processor: usize, start: f64, finish: f64) {
        let timeline = &mut self.timelines[processor];
        timeline.occupy(start, finish);
        let block = &mut self.blocks[processor / BLOCK];
        block.finishes[processor % BLOCK] = timeline.finish();
        block.gap_ends[processor % BLOCK] = timeline.last_gap_end();
        block.gap_lengths[processor % BLOCK] = timeline.longest_in_gaps();
    }

    /// The earliest start on `processor`, at or after `ready`, of a slot of this length.
    pub(crate) fn earliest_start(&self, processor: usize, ready: f64, length: f64) -> f64 {
        let block = &self.blocks[processor / BLOCK];
        if block.may_have_gap(processor % BLOCK, ready + length, length) {
            self.timelines[processor].start_in_gaps(ready, length)
        } else {
            later(self.finish(processor), ready)
        }
    }

    /// The position on `processor` where a slot of this length finishes earliest, if it starts at or after `ready`.
    fn place_on(&self, processor: usize, ready: f64, length: f64) -> Position {
        let start = self.earliest_start(processor, ready, length);
        Position {
            processor,
            start,
            finish: start + length,
        }
    }

    /// The position where a slot of this length finishes earliest. On the processor in `sender`, it may start at or
    /// after the time in `sender`, and on all others at or after `ready`.
    ///
    /// Ties go to the smallest processor.
    pub(crate) fn earliest(
        &self,
        ready: f64,
        sender: Option<(usize, f64)>,
        length: f64,
    ) -> Position {
        let Some((processor, ready_there)) = sender else {
            return self.earliest_anywhere(ready, length);
        };
        let there = self.place_on(processor, ready_there, length);
        // No other processor can finish the slot earlier.
        if there.finish < ready + length {
            return there;
        }
        let best = self.earliest_anywhere(ready, length);
        if best.processor == processor || there.is_better_than(&best) {
            there
        } else {
            best
        }
    }

    fn earliest_anywhere(&self, ready: f64, length: f64) -> Position {
        let bound = ready + length;
        let mut best = Position::NONE;
        for (block, first) in self.blocks.iter().zip((0..).step_by(BLOCK)) {
            let place = block.earliest_at_end(first, ready, length);
            best = if place.finish < best.finish {
                place
            } else {
                best
            };
            if block.may_have_gaps(bound, length) {
                best = self.earliest_in_gaps(first, ready, length, best);
            }
            if best.finish <= bound {
                break;
            }
        }
        best
    }

    /// The best position in the gaps of a block of processors, if it is better than `best`.
    #[inline(never)]
    fn earliest_in_gaps(
        &self,
        first: usize,
        ready: f64,
        length: f64,
        mut best: Position,
    ) -> Position {
        let bound = ready + length;
        let block = &self.blocks[first / BLOCK];
        for index in 0..BLOCK {
            let processor = first + index;
            if best.finish <= bound && best.processor < processor {
                break;
            }
            if block.may_have_gap(index, bound, length) {
                let place = self.place_on(processor, ready, length);
                if place.is_better_than(&best) {
                    best = place;
                }
            }
        }
        best
    }
}

impl Block {
    /// The position where a slot finishes earliest after all other slots. Ties go to the smallest processor.
    ///
    /// The code has no branches, as in [`Arrivals`](super::arrivals::Arrivals): even the index is computed as a
    /// minimum.
    fn earliest_at_end(&self, first: usize, ready: f64, length: f64) -> Position {
        const INDICES: [f64; BLOCK] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        let free = smallest(self.finishes);
        let finish = later(free, ready) + length;
        let mut indices = INDICES;
        for (index, &free) in indices.iter_mut().zip(&self.finishes) {
            let is_earliest = later(free, ready) + length <= finish;
            *index = if is_earliest { *index } else { f64::INFINITY };
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is an index"
        )]
        let index = smallest(indices) as usize % BLOCK;
        Position {
            processor: first + index,
            start: later(self.finishes[index], ready),
            finish,
        }
    }

    /// Whether a slot of this length that ends at or after `bound` may fit into a gap of a processor.
    fn may_have_gap(&self, index: usize, bound: f64, length: f64) -> bool {
        self.gap_ends[index] >= bound && self.gap_lengths[index] >= length
    }

    /// Whether such a slot may fit into a gap of any processor in this block.
    fn may_have_gaps(&self, bound: f64, length: f64) -> bool {
        let mut may = false;
        for (&end, &longest) in self.gap_ends.iter().zip(&self.gap_lengths) {
            may |= end >= bound && longest >= length;
        }
        may
    }
}

/// The smallest of some numbers, found by comparing one half with the other until one number is left.
fn smallest(mut numbers: [f64; BLOCK]) -> f64 {
    for half in [BLOCK / 2, BLOCK / 4, BLOCK / 8] {
        for index in 0..half {
            numbers[index] = earlier(numbers[index], numbers[index + half]);
        }
    }
    numbers[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places slots of random length where they end earliest, and compares with a search of each processor.
    #[test]
    fn search_agrees_with_a_search_of_each_processor() {
        let mut random = fastrand::Rng::with_seed(6);
        for n_processors in [1, 2, 7, 8, 9, 20] {
            let mut timelines = Timelines::new(n_processors, 0.0);
            for _ in 0..500 {
                let mut number = || f64::from(random.u32(..40)) / 2.0;
                let (ready, length) = (number() * 10.0, number());
                let places = (0..n_processors).map(|p| timelines.place_on(p, ready, length));
                let expected = places.fold(Position::NONE, |best, place| {
                    if place.is_better_than(&best) {
                        place
                    } else {
                        best
                    }
                });
                let found = timelines.earliest(ready, None, length);
                assert_eq!(
                    (found.processor, found.start, found.finish),
                    (expected.processor, expected.start, expected.finish)
                );
                timelines.occupy(found.processor, found.start, found.finish);
            }
        }
    }
}
