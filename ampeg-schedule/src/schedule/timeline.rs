//! The busy slots of one processor, stored as the gaps between them, and the search for the earliest gap that is long
//! enough.
//!
//! This module depends on neither tasks nor graphs.

use super::arrivals::later;

/// The largest number of gaps in a block. An insertion moves at most one block, and a search can skip whole blocks.
const BLOCK: usize = 128;

/// The number of blocks in a group. A search can skip whole groups, too.
const GROUP: usize = 64;

/// The relative rounding error that is allowed before a block is skipped.
const SLACK: f64 = 1e-12;

/// The busy and free times of one processor.
///
/// Gaps are stored in blocks, and blocks in groups. Each block and each group knows its longest gap. So a search
/// takes O(g / 8192 + 192) steps for g gaps instead of O(g), and usually only a few.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// The end of the last slot. Everything after it is free.
    finish: f64,
    /// The shortest duration of all tasks. Shorter gaps are dropped.
    shortest: f64,
    blocks: Vec<Block>,
    /// The longest gap of each group of blocks.
    groups: Vec<f64>,
}

/// Some consecutive gaps; never empty.
#[derive(Debug, Clone)]
struct Block {
    gaps: Vec<Gap>,
    longest: f64,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    start: f64,
    finish: f64,
}

impl Gap {
    fn length(&self) -> f64 {
        self.finish - self.start
    }
}

impl Block {
    fn new(gaps: Vec<Gap>) -> Self {
        let mut block = Self { gaps, longest: 0.0 };
        block.measure();
        block
    }

    fn measure(&mut self) {
        // Four maxima are computed at a time, because each comparison waits for the previous one.
        let mut longest: [f64; 4] = [0.0; 4];
        let fours = self.gaps.chunks_exact(4);
        for (longest, gap) in longest.iter_mut().zip(fours.remainder()) {
            *longest = gap.length();
        }
        for four in fours {
            for (longest, gap) in longest.iter_mut().zip(four) {
                *longest = later(*longest, gap.length());
            }
        }
        self.longest = longest.into_iter().fold(0.0, later);
    }

    fn finish(&self) -> f64 {
        self.gaps[self.gaps.len() - 1].finish
    }
}

impl Timeline {
    /// A free processor, for tasks that take at least `shortest`.
    pub(crate) fn new(shortest: f64) -> Self {
        Self {
            finish: 0.0,
            shortest,
            blocks: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The end of the last slot.
    pub(crate) fn finish(&self) -> f64 {
        self.finish
    }

    /// The end of the last gap; minus infinity without gaps.
    pub(crate) fn last_gap_end(&self) -> f64 {
        self.blocks.last().map_or(f64::NEG_INFINITY, Block::finish)
    }

    /// The length of the longest slot that may fit into a gap.
    pub(crate) fn longest_in_gaps(&self) -> f64 {
        match self.groups.iter().copied().reduce(later) {
            Some(longest) => longest + SLACK * self.finish,
            None => f64::NEG_INFINITY,
        }
    }

    /// The earliest start at or after `ready` of a slot of this length.
    pub(crate) fn earliest_start(&self, ready: f64, length: f64) -> f64 {
        match self.blocks.last() {
            _ if ready >= self.finish => ready,
            Some(block) if block.finish() >= ready + length => self.start_in_gaps(ready, length),
            _ => self.finish,
        }
    }

    /// Like [`earliest_start`](Self::earliest_start), for a slot that could end before the last gap does.
    pub(crate) fn start_in_gaps(&self, ready: f64, length: f64) -> f64 {
        let fits = |longest: f64| longest + SLACK * self.finish >= length;
        let end = ready + length;
        let first = self.blocks.partition_point(|block| block.finish() < end);
        let mut index = first;
        while let Some(block) = self.blocks.get(index) {
            if index.is_multiple_of(GROUP) && !fits(self.groups[index / GROUP]) {
                index += GROUP;
                continue;
            }
            index += 1;
            if !fits(block.longest) {
                continue;
            }
            let gaps = &block.gaps;
            let first = gaps.partition_point(|gap| gap.finish < end);
            for gap in &gaps[first..] {
                let start = later(gap.start, ready);
                if start + length <= gap.finish {
                    return start;
                }
            }
        }
        self.finish
    }

    /// Occupies the slot from `start` to `finish`, which must be free.
    pub(crate) fn occupy(&mut self, start: f64, finish: f64) {
        if start >= self.finish {
            let gap = Gap {
                start: self.finish,
                finish: start,
            };
            self.finish = finish;
            if is_usable(gap, self.shortest) {
                self.push(gap);
            }
        } else {
            self.split(start, finish);
        }
    }

    fn push(&mut self, gap: Gap) {
        match self.blocks.last_mut() {
            Some(block) if block.gaps.len() < BLOCK => {
                block.longest = block.longest.max(gap.length());
                block.gaps.push(gap);
            }
            _ => self.blocks.push(Block::new(vec![gap])),
        }
        let last = self.blocks.len() - 1;
        let longest = self.blocks[last].longest;
        match self.groups.get_mut(last / GROUP) {
            Some(group) => *group = group.max(longest),
            None => self.groups.push(longest),
        }
    }

    /// Removes a slot from the gap that contains it.
    fn split(&mut self, start: f64, finish: f64) {
        let index = self.blocks.partition_point(|block| block.finish() < finish);
        let gaps = &mut self.blocks[index].gaps;
        let at = gaps.partition_point(|gap| gap.finish < finish);
        let gap = gaps[at];
        debug_assert!(gap.start <= start, "the slot is free");
        let before = Gap {
            start: gap.start,
            finish: start,
        };
        let after = Gap {
            start: finish,
            finish: gap.finish,
        };
        let usable = |gap| is_usable(gap, self.shortest);
        match (usable(before), usable(after)) {
            (true, true) => {
                gaps[at] = before;
                gaps.insert(at + 1, after);
            }
            (true, false) => gaps[at] = before,
            (false, true) => gaps[at] = after,
            (false, false) => drop(gaps.remove(at)),
        }
        self.tidy(index, gap.length());
    }

    /// Updates the longest gaps of blocks and groups after a gap of this length has changed.
    fn tidy(&mut self, index: usize, length: f64) {
        let block = &mut self.blocks[index];
        if block.gaps.is_empty() {
            self.blocks.remove(index);
            self.regroup(index / GROUP, usize::MAX);
        } else if block.gaps.len() > BLOCK {
            let upper = block.gaps.split_off(BLOCK / 2);
            block.measure();
            self.blocks.insert(index + 1, Block::new(upper));
            self.regroup(index / GROUP, usize::MAX);
        } else if length >= block.longest {
            block.measure();
            self.regroup(index / GROUP, 1);
        }
    }

    /// Computes the longest gaps of `n_groups` groups from number `from` on.
    fn regroup(&mut self, from: usize, n_groups: usize) {
        self.groups.resize(self.blocks.len().div_ceil(GROUP), 0.0);
        let blocks = self.blocks.chunks(GROUP).skip(from);
        for (group, blocks) in self.groups[from..].iter_mut().zip(blocks).take(n_groups) {
            *group = blocks.iter().map(|block| block.longest).fold(0.0, later);
        }
    }
}

/// Whether a task that takes `shortest` may fit into a gap.
fn is_usable(gap: Gap, shortest: f64) -> bool {
    gap.length() + SLACK * gap.finish >= shortest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Occupies the earliest slot that fits, and returns its start.
    fn place(timeline: &mut Timeline, ready: f64, length: f64) -> f64 {
        let start = timeline.earliest_start(ready, length);
        timeline.occupy(start, start + length);
        start
    }

    #[test]
    fn gap_before_first_slot_is_used() {
        let mut timeline = Timeline::new(1.0);
        assert_eq!(place(&mut timeline, 4.0, 2.0), 4.0);
        assert_eq!(place(&mut timeline, 0.0, 4.0), 0.0);
        assert_eq!(place(&mut timeline, 0.0, 1.0), 6.0);
    }

    #[test]
    fn gap_that_is_too_short_is_not_used() {
        let mut timeline = Timeline::new(1.0);
        assert_eq!(place(&mut timeline, 2.0, 2.0), 2.0);
        assert_eq!(place(&mut timeline, 7.0, 1.0), 7.0);
        assert_eq!(place(&mut timeline, 1.0, 2.0), 4.0);
        assert_eq!(place(&mut timeline, 0.5, 1.5), 0.5);
        assert_eq!(timeline.finish(), 8.0);
    }

    #[test]
    fn slot_of_no_length_fits_between_two_others() {
        let mut timeline = Timeline::new(0.0);
        place(&mut timeline, 0.0, 5.0);
        place(&mut timeline, 0.0, 5.0);
        assert_eq!(place(&mut timeline, 2.0, 0.0), 5.0);
        assert_eq!(place(&mut timeline, 5.0, 0.0), 5.0);
        assert_eq!(place(&mut timeline, 6.0, 0.0), 10.0);
    }

    /// The same by searching all slots.
    fn naive_place(slots: &mut Vec<(f64, f64)>, ready: f64, length: f64) -> f64 {
        let mut start = ready;
        let mut index = 0;
        while index < slots.len() && start + length > slots[index].0 {
            start = start.max(slots[index].1);
            index += 1;
        }
        slots.insert(index, (start, start + length));
        start
    }

    #[test]
    fn agrees_with_a_search_of_all_slots() {
        // With many slots, there are several groups of blocks.
        for (seed, n) in (0..20).map(|seed| (seed, 3_000)).chain([(20, 12_000)]) {
            let mut random = fastrand::Rng::with_seed(seed);
            let span = if n > 3_000 { 30_000_000 } else { 30_000 };
            let shortest = if seed % 2 == 0 { 0.0 } else { 1.0 };
            let mut timeline = Timeline::new(shortest);
            let mut slots = Vec::new();
            for _ in 0..n {
                let ready = f64::from(random.u32(0..span)) / 2.0;
                let length = f64::from(random.u32(0..20)) / 2.0 + shortest;
                let expected = naive_place(&mut slots, ready, length);
                assert_eq!(place(&mut timeline, ready, length), expected);
            }
        }
    }
}
