//! Topological order, or why there is none: the shortest cycle of each knot of dependencies.
//!
//! It knows neither names nor tokens: tasks are numbers from zero.

use std::collections::VecDeque;

/// Tasks in topological order, those that come first in the text first; and the cycles, if any.
///
/// A cycle is a path along the dependencies, from predecessor to successor: `[a, c, d]` for `a → c → d → a`.
/// There is one for each task that depends on itself, and one for each knot of tasks that depend on each other:
/// a shortest one of the knot, beginning with its smallest task.
/// Tasks on or behind a cycle are missing from the order.
/// Takes O(n + e) time without a cycle, and O(k·e) more for a knot of k tasks.
pub(crate) fn sort<I: Iterator<Item = usize>>(
    n_tasks: usize,
    predecessors: impl Fn(usize) -> I,
) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    let mut edges = Edges {
        predecessors: vec![Vec::new(); n_tasks],
        successors: vec![Vec::new(); n_tasks],
    };
    for task in 0..n_tasks {
        for predecessor in predecessors(task) {
            if predecessor == task {
                cycles.push(vec![task]);
            } else {
                edges.predecessors[task].push(predecessor);
                edges.successors[predecessor].push(task);
            }
        }
    }
    let order = edges.order();
    let mut left = vec![true; n_tasks];
    for &task in &order {
        left[task] = false;
    }
    for task in 0..n_tasks {
        if left[task] {
            let knot = edges.knot(task, &left);
            for &task in &knot {
                left[task] = false;
            }
            cycles.extend(edges.shortest_cycle(&knot));
        }
    }
    (order, cycles)
}

struct Edges {
    predecessors: Vec<Vec<usize>>,
    successors: Vec<Vec<usize>>,
}

impl Edges {
    /// The tasks that no cycle keeps from having a place.
    fn order(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.predecessors.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..missing.len())
            .filter(|&task| missing[task] == 0)
            .collect();
        let mut next = 0;
        while let Some(&task) = order.get(next) {
            next += 1;
            for &successor in &self.successors[task] {
                missing[successor] -= 1;
                if missing[successor] == 0 {
                    order.push(successor);
                }
            }
        }
        order
    }

    /// The tasks, in order, that depend on `task` and that it depends on, itself included.
    fn knot(&self, task: usize, among: &[bool]) -> Vec<usize> {
        let behind = reach(task, &self.successors, among);
        let before = reach(task, &self.predecessors, among);
        (0..among.len())
            .filter(|&task| behind[task] && before[task])
            .collect()
    }

    fn shortest_cycle(&self, knot: &[usize]) -> Option<Vec<usize>> {
        let mut among = vec![false; self.successors.len()];
        for &task in knot {
            among[task] = true;
        }
        let cycles = knot
            .iter()
            .filter_map(|&task| self.cycle_through(task, &among));
        // Of equals the first is taken: the one through the smallest task, which begins with it.
        cycles.min_by_key(Vec::len)
    }

    /// A shortest path from `start` back to it, by breadth-first search.
    fn cycle_through(&self, start: usize, among: &[bool]) -> Option<Vec<usize>> {
        let mut came_from = vec![None; among.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(task) = queue.pop_front() {
            for &successor in &self.successors[task] {
                if successor == start {
                    let steps = std::iter::successors(Some(task), |&task| came_from[task]);
                    let mut path: Vec<usize> = steps.collect();
                    path.reverse();
                    return Some(path);
                }
                if among[successor] && came_from[successor].is_none() {
                    came_from[successor] = Some(task);
                    queue.push_back(successor);
                }
            }
        }
        None
    }
}

/// A shortest path from `start` to `end`, both included, where each node uses the one before it.
pub(crate) fn path(uses: &[Vec<usize>], end: usize, start: usize) -> Option<Vec<usize>> {
    let mut next = vec![None; uses.len()];
    let mut queue = VecDeque::from([end]);
    while let Some(node) = queue.pop_front() {
        if node == start {
            let steps =
                std::iter::successors(
                    Some(node),
                    |&node| if node == end { None } else { next[node] },
                );
            return Some(steps.collect());
        }
        for &used in &uses[node] {
            if used != end && next[used].is_none() {
                next[used] = Some(node);
                queue.push_back(used);
            }
        }
    }
    None
}

/// Marks `start` and all that follows it along `edges`.
fn reach(start: usize, edges: &[Vec<usize>], among: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; among.len()];
    let mut stack = vec![start];
    while let Some(task) = stack.pop() {
        if among[task] && !reached[task] {
            reached[task] = true;
            stack.extend(&edges[task]);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts tasks given by their lists of predecessors.
    fn sorted(predecessors: &[&[usize]]) -> (Vec<usize>, Vec<Vec<usize>>) {
        sort(predecessors.len(), |task| {
            predecessors[task].iter().copied()
        })
    }

    #[test]
    fn order_puts_predecessors_first() {
        assert_eq!(sorted(&[&[1, 2], &[2], &[]]), (vec![2, 1, 0], vec![]));
    }

    #[test]
    fn shortest_cycle_of_a_knot_is_told() {
        // 0 → 1 → 2 → 3 → 0 with a short cut 1 → 3: `0 → 1 → 3 → 0`.
        let (order, cycles) = sorted(&[&[3], &[0], &[1], &[2, 1]]);
        assert_eq!(order, Vec::<usize>::new());
        assert_eq!(cycles, [[0, 1, 3]]);
    }

    #[test]
    fn every_knot_has_its_cycle() {
        // 0 ↔ 1, 2 ↔ 3, 4 on itself, 5 behind them all, 6 free.
        let (order, cycles) = sorted(&[&[1], &[0], &[3], &[2], &[4], &[0, 2, 4], &[]]);
        assert_eq!(cycles, [vec![4], vec![0, 1], vec![2, 3]]);
        assert!(order.contains(&6) && !order.contains(&5));
    }
}
