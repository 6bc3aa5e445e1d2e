//! The timelines of all processors, with what a scan over them reads side by side.

use super::arrivals::{earlier, later};
use super::timeline::Timeline;

/// Processors are looked at in blocks of this many: few enough for few processors, and a compiler makes vectors of them.
const BLOCK: usize = 8;

/// What is busy and what is free on each processor.
#[derive(Debug, Clone)]
pub(crate) struct Timelines {
    timelines: Vec<Timeline>,
    blocks: Vec<Block>,
}

/// What a scan reads of some processors; the last block is filled up with such as are never free.
#[derive(Debug, Clone)]
struct Block {
    /// When the last slot of each ends.
    finishes: [f64; BLOCK],
    /// When the last gap of each ends; before all time if there is none.
    gap_ends: [f64; BLOCK],
    /// No longer slot fits into a gap of each.
    gap_lengths: [f64; BLOCK],
}

/// A processor, and when a task would start and finish there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) processor: usize,
    pub(crate) start: f64,
    pub(crate) finish: f64,
}

impl Position {
    /// No position: any other is better.
    pub(crate) const NONE: Self = Self {
        processor: usize::MAX,
        start: f64::INFINITY,
        finish: f64::INFINITY,
    };

    /// Whether a task finishes earlier here than there, or as early on a smaller processor.
    fn is_better_than(&self, other: &Self) -> bool {
        (self.finish, self.processor) < (other.finish, other.processor)
    }
}

impl Timelines {
    /// Processors that are free all the time, for tasks that take `shortest` or more.
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

    /// From when on `processor` is free for good.
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

    /// The place on `processor` where a slot of this length finishes earliest, at or after `ready`.
    fn place_on(&self, processor: usize, ready: f64, length: f64) -> Position {
        let start = self.earliest_start(processor, ready, length);
        Position {
            processor,
            start,
            finish: start + length,
        }
    }

    /// Where a slot of this length finishes earliest: on `sender`, at or after a time of its own, or anywhere, at or after `ready`.
    ///
    /// Among equals, on the smallest processor.
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
        // No other processor can finish before that.
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

    /// The best place in the gaps of a block of processors, if it is better than `best`.
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
    /// Where a slot finishes earliest after all that is there; among equals, on the smallest processor.
    ///
    /// There is no branch, as in [`Arrivals`](super::arrivals::Arrivals): even the index is a minimum.
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

    /// Whether a slot of this length that ends at `bound` or later might fit into a gap of a processor.
    fn may_have_gap(&self, index: usize, bound: f64, length: f64) -> bool {
        self.gap_ends[index] >= bound && self.gap_lengths[index] >= length
    }

    /// The same for any of these processors.
    fn may_have_gaps(&self, bound: f64, length: f64) -> bool {
        let mut may = false;
        for (&end, &longest) in self.gap_ends.iter().zip(&self.gap_lengths) {
            may |= end >= bound && longest >= length;
        }
        may
    }
}

/// The smallest of some numbers: each half against the other, until one is left.
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

    /// Slots of random length, laid where they end earliest, against a look at each processor.
    #[test]
    fn scan_agrees_with_a_look_at_every_processor() {
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
