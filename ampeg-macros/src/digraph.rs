//! Directed graphs: strongly connected components, shortest paths and shortest cycles.
//!
//! Nodes are numbers from zero, and each has a list of the nodes that it uses. There are no names or tokens here.

use std::collections::VecDeque;

/// The strongly connected components of a graph. Each one follows the components that its nodes use.
///
/// Tarjan's algorithm with an explicit stack, since recursion along a long chain of dependencies would overflow.
/// Takes O(n + e) time.
pub(crate) fn components(uses: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        uses,
        number: vec![None; uses.len()],
        low: vec![0; uses.len()],
        is_open: vec![false; uses.len()],
        open: Vec::new(),
        next: 0,
        components: Vec::new(),
    };
    for node in 0..uses.len() {
        if search.number[node].is_none() {
            search.from(node);
        }
    }
    search.components
}

struct Search<'a> {
    uses: &'a [Vec<usize>],
    number: Vec<Option<usize>>,
    low: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    next: usize,
    components: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        self.enter(start);
        let mut path = vec![(start, 0)];
        while let Some((node, used)) = path.pop() {
            let Some(&next) = self.uses[node].get(used) else {
                self.leave(node);
                if let Some(&(before, _)) = path.last() {
                    self.low[before] = self.low[before].min(self.low[node]);
                }
                continue;
            };
            path.push((node, used + 1));
            match self.number[next] {
                None => {
                    self.enter(next);
                    path.push((next, 0));
                }
                Some(number) if self.is_open[next] => self.low[node] = self.low[node].min(number),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.number[node] = Some(self.next);
        self.low[node] = self.next;
        self.next += 1;
        self.open.push(node);
        self.is_open[node] = true;
    }

    /// Closes the component that began with this node, if there is one.
    fn leave(&mut self, node: usize) {
        if self.number[node] != Some(self.low[node]) {
            return;
        }
        let first = self
            .open
            .iter()
            .rposition(|&other| other == node)
            .unwrap_or(0);
        let component = self.open.split_off(first);
        for &node in &component {
            self.is_open[node] = false;
        }
        self.components.push(component);
    }
}

/// A cycle for each node that uses itself, and a shortest cycle for each component of several nodes.
///
/// A cycle is a path from a node to its users: `[a, c, d]` for `a → c → d → a`. It begins with the smallest node of the
/// component that is on a shortest cycle.
/// Takes O(n + e) time without a cycle, and O(k·e) more for a component of k nodes.
pub(crate) fn cycles(uses: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut used_by = vec![Vec::new(); uses.len()];
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    for (node, used) in uses.iter().enumerate() {
        for &used in used {
            if used == node {
                cycles.push(vec![node]);
            } else {
                used_by[used].push(node);
            }
        }
    }
    cycles.dedup();
    let mut components = components(uses);
    components.retain(|component| component.len() > 1);
    for component in &mut components {
        component.sort_unstable();
    }
    components.sort_unstable();
    for component in components {
        let through =
            |&start: &usize| shortest_path(&used_by, start, |node| used_by[node].contains(&start));
        // The first of equally short ones.
        cycles.extend(component.iter().filter_map(through).min_by_key(Vec::len));
    }
    cycles
}

/// A shortest path along `edges` from a node to one that is a goal, both included, by breadth-first search.
pub(crate) fn shortest_path(
    edges: &[Vec<usize>],
    start: usize,
    is_goal: impl Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    let mut came_from = vec![None; edges.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        if is_goal(node) {
            let steps = std::iter::successors(Some(node), |&node| came_from[node]);
            let mut path: Vec<usize> = steps.collect();
            path.reverse();
            return Some(path);
        }
        for &next in &edges[node] {
            if next != start && came_from[next].is_none() {
                came_from[next] = Some(node);
                queue.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_statements_come_first_and_cycles_stay_together() {
        // 0 uses 1 and 3, 1 ↔ 2, 3 uses itself, 4 is free.
        let mut found = components(&[vec![1, 3], vec![2], vec![1], vec![3], vec![]]);
        for component in &mut found {
            component.sort_unstable();
        }
        assert_eq!(found, [vec![1, 2], vec![3], vec![0], vec![4]]);
    }

    /// Cycles of tasks given by their lists of predecessors.
    fn cycles_of(predecessors: &[&[usize]]) -> Vec<Vec<usize>> {
        let uses: Vec<_> = predecessors.iter().map(|uses| uses.to_vec()).collect();
        cycles(&uses)
    }

    #[test]
    fn graph_without_cycles_has_none() {
        assert!(cycles_of(&[&[1, 2], &[2], &[]]).is_empty());
    }

    #[test]
    fn shortest_cycle_of_a_component_is_found() {
        // 0 → 1 → 2 → 3 → 0 with a short cut 1 → 3: `0 → 1 → 3 → 0`.
        assert_eq!(cycles_of(&[&[3], &[0], &[1], &[2, 1]]), [[0, 1, 3]]);
    }

    #[test]
    fn every_component_has_its_cycle() {
        // 0 ↔ 1, 2 ↔ 3, 4 uses itself, 5 uses a node of each cycle, 6 uses none.
        let cycles = cycles_of(&[&[1], &[0], &[3], &[2], &[4], &[0, 2, 4], &[]]);
        assert_eq!(cycles, [vec![4], vec![0, 1], vec![2, 3]]);
    }

    #[test]
    fn shortest_path_leads_to_the_first_goal() {
        let edges = [vec![1, 2], vec![3], vec![3, 4], vec![4], vec![]];
        assert_eq!(
            shortest_path(&edges, 0, |node| node == 4),
            Some(vec![0, 2, 4])
        );
        assert_eq!(shortest_path(&edges, 4, |node| node == 4), Some(vec![4]));
        assert_eq!(shortest_path(&edges, 1, |node| node == 0), None);
    }

    #[test]
    fn long_chains_are_ordered() {
        let n = 200_000;
        let uses: Vec<Vec<usize>> = (0..n)
            .map(|node| (node + 1 < n).then_some(node + 1).into_iter().collect())
            .collect();
        assert_eq!(components(&uses).len(), n);
        assert_eq!(components(&uses)[0], [n - 1]);
    }
}
