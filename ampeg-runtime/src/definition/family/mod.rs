//! Families: all members with one path. They are found by their indices, one by one or as lists.
//!
//! Members are stored as a tree with a level for each index. The tree also has branches without members: in `m[i in
//! 0..3, j in 0..i]`, the row `m[0]` is an empty list.

use crate::generated_code::facts::Family;
use ampeg_schedule::TaskId;
use std::fmt;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// The members that one bracket selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selector {
    One(i64),
    /// From the first index up to the second, which is excluded.
    Span(i64, i64),
    From(i64),
    To(i64),
    All,
}

/// The members of one family, in the order of their indices. Their tasks are numbered in this order.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    /// The number of the first task.
    pub(crate) first: usize,
    levels: Vec<Level>,
}

/// All branches at one depth of the tree. The children of branch `b` of the level above are `starts[b]..starts[b +
/// 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    /// In increasing order among the children of one branch.
    indices: Vec<i64>,
    starts: Vec<usize>,
}

/// The indices of a member, or the first indices of a branch that may have no members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) indices: &'a [i64],
    /// The number of the member; none for a branch.
    pub(crate) member: Option<usize>,
}

impl Members {
    /// Makes the tree of these rows. `first` is the task of the first member. Also returns the numbers of the members
    /// in order.
    ///
    /// Takes linear time if the rows are in order.
    ///
    /// # Errors
    ///
    /// If two members have the same indices. The error has both numbers.
    pub(crate) fn new(
        rank: usize,
        first: usize,
        mut rows: Vec<Row<'_>>,
    ) -> Result<(Self, Vec<usize>), (usize, usize)> {
        if !rows.is_sorted_by(|a, b| a.indices <= b.indices) {
            rows.sort_by_key(|row| row.indices);
        }
        let mut levels = vec![Level::new(); rank];
        if let Some(root) = levels.first_mut() {
            root.starts.push(0);
        }
        let mut order: Vec<usize> = Vec::with_capacity(rows.len());
        let mut last: &[i64] = &[];
        for row in rows {
            let common = row.indices.iter().zip(last).take_while(|(a, b)| a == b);
            let common = common.count();
            for depth in common..row.indices.len() {
                levels[depth].indices.push(row.indices[depth]);
                if let Some(below) = levels.get_mut(depth + 1) {
                    below.starts.push(below.indices.len());
                }
            }
            if let Some(member) = row.member {
                if let Some(&other) = order.last()
                    && common == rank
                {
                    return Err((other, member));
                }
                order.push(member);
            }
            last = row.indices;
        }
        for level in &mut levels {
            level.starts.push(level.indices.len());
        }
        Ok((Self { first, levels }, order))
    }

    /// Adds the selected tasks to `tasks`, and the lengths of the lists that they form to `shape`, outer lists first.
    ///
    /// Missing selectors select everything. Takes time in proportion to the number of selected tasks, and to the
    /// logarithm of all members for each list.
    pub(crate) fn select(
        &self,
        selectors: &[Selector],
        tasks: &mut Vec<TaskId>,
        shape: &mut Vec<u32>,
    ) -> Result<(), Missing> {
        self.select_below(0, 0, selectors, tasks, shape)
    }

    /// The children of a branch that is `depth` levels deep.
    pub(crate) fn branches(&self, depth: usize, branch: usize) -> Range<usize> {
        self.levels[depth].below(branch)
    }

    /// Whether the first `depth` indices take the same values as in another family.
    pub(crate) fn agrees(&self, other: &Self, depth: usize) -> bool {
        self.levels[..depth] == other.levels[..depth]
    }

    /// Selects below a branch that is `depth` levels deep.
    pub(crate) fn select_below(
        &self,
        depth: usize,
        branch: usize,
        selectors: &[Selector],
        tasks: &mut Vec<TaskId>,
        shape: &mut Vec<u32>,
    ) -> Result<(), Missing> {
        let Some(level) = self.levels.get(depth) else {
            tasks.push(TaskId::new(self.first + branch));
            return Ok(());
        };
        let here = level.below(branch);
        let (selector, rest) = selectors
            .split_first()
            .map_or((Selector::All, selectors), |(first, rest)| (*first, rest));
        let found = level.find(here.clone(), selector).map_err(|index| {
            let mut path = self.path(depth, branch);
            path.push(index);
            let runs = runs(&level.indices[here]);
            Missing { path, runs }
        })?;
        if !matches!(selector, Selector::One(_)) {
            shape.push(u32::try_from(found.len()).unwrap_or(u32::MAX));
        }
        for branch in found {
            self.select_below(depth + 1, branch, rest, tasks, shape)?;
        }
        Ok(())
    }

    /// The indices of a branch that is `depth` levels deep.
    fn path(&self, depth: usize, mut branch: usize) -> Vec<i64> {
        let mut path = Vec::with_capacity(depth + 1);
        for depth in (0..depth).rev() {
            let level = &self.levels[depth];
            path.push(level.indices[branch]);
            branch = level.starts.partition_point(|&start| start <= branch) - 1;
        }
        path.reverse();
        path
    }
}

impl Level {
    fn new() -> Self {
        Self {
            indices: Vec::new(),
            starts: Vec::new(),
        }
    }

    fn below(&self, branch: usize) -> Range<usize> {
        self.starts[branch]..self.starts[branch + 1]
    }

    /// The branches among `here` that are selected, or the first index that is missing.
    fn find(&self, here: Range<usize>, selector: Selector) -> Result<Range<usize>, i64> {
        let indices = &self.indices[here.clone()];
        let (start, end) = match (selector, indices) {
            (Selector::All, _) | (Selector::From(_) | Selector::To(_), []) => return Ok(here),
            (Selector::One(index), _) => {
                let found = indices.binary_search(&index).map_err(|_| index)?;
                return Ok(here.start + found..here.start + found + 1);
            }
            (Selector::Span(start, end), _) => (start, end),
            // A range that begins right after the last index is empty.
            (Selector::From(start), [.., last]) if start.checked_sub(1) == Some(*last) => {
                return Ok(here.end..here.end);
            }
            (Selector::From(start), [.., last]) => (start, last.checked_add(1).ok_or(start)?),
            (Selector::To(end), [first, ..]) => (*first.min(&end), end),
        };
        let low = indices.partition_point(|&index| index < start);
        let high = low + indices[low..].partition_point(|&index| index < end);
        // Each index of the range must exist.
        let gap = (start..end)
            .zip(low..high)
            .find(|&(index, place)| indices[place] != index);
        let n_found = i64::try_from(high - low).unwrap_or(i64::MAX);
        match gap {
            Some((index, _)) => Err(index),
            None if start > end => Err(start),
            None if end.saturating_sub(start) > n_found => Err(start.saturating_add(n_found)),
            None => Ok(here.start + low..here.start + high),
        }
    }
}

/// A selected member that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The indices of the member, up to the first one that does not exist.
    pub(crate) path: Vec<i64>,
    /// The existing values of that index: the first and last value of each run.
    pub(crate) runs: Vec<(i64, i64)>,
}

/// The first few runs of consecutive numbers.
fn runs(indices: &[i64]) -> Vec<(i64, i64)> {
    const MOST: usize = 5;
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for &index in indices {
        let n_runs = runs.len();
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(index) => *end = index,
            _ if n_runs == MOST => break,
            _ => runs.push((index, index)),
        }
    }
    runs
}

/// The name of a member, such as `shard[2].part[0]`; or of a branch, such as `shard[2]`, if there are fewer indices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberName<'a> {
    pub(crate) family: &'a Family,
    pub(crate) indices: &'a [i64],
}

impl fmt::Display for MemberName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut indices = self.indices.iter();
        let mut separator = "";
        for (segment, &n_indices) in self.family.name.split('.').zip(self.family.segments) {
            write!(f, "{separator}{segment}")?;
            separator = ".";
            for _ in 0..n_indices {
                let Some(index) = indices.next() else {
                    return Ok(());
                };
                write!(f, "[{index}]")?;
            }
            if indices.len() == 0 && self.indices.len() < self.family.rank() {
                return Ok(());
            }
        }
        Ok(())
    }
}
