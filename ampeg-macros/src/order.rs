//! The order in which rustc should read the statements, so that types are known before they are used.
//!
//! Families that need each other's types, or their own, are a knot: their types are declared before its first statement.

use crate::resolve::Graph;

/// The statements of a graph in the order of their types.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) knots: Vec<Knot>,
}

/// Families whose types depend on each other; mostly one that is on its own.
#[derive(Debug)]
pub(crate) struct Knot {
    /// The families whose types must be declared first: all of the knot, or none.
    pub(crate) declared: Vec<usize>,
    pub(crate) statements: Vec<usize>,
}

impl Order {
    pub(crate) fn of(graph: &Graph) -> Self {
        let families = &graph.names.families;
        let mut uses = vec![Vec::new(); families.len()];
        for task in &graph.tasks {
            uses[task.family].extend(task.dependencies.iter().map(|input| input.index));
        }
        let knots = knots(&uses).into_iter();
        let knots = knots.map(|mut knot| {
            knot.sort_unstable();
            let inner = |task: usize| {
                let inputs = &graph.tasks[task].dependencies;
                inputs
                    .iter()
                    .filter(|input| knot.binary_search(&input.index).is_ok())
                    .count()
            };
            let mut statements: Vec<usize> = knot
                .iter()
                .flat_map(|&family| families[family].statements.iter().copied())
                .collect();
            // Those that use least of the knot tell the types that the others need.
            statements.sort_by_key(|&task| (inner(task), task));
            let is_open = statements.len() > 1 || statements.iter().any(|&task| inner(task) > 0);
            Knot {
                declared: if is_open { knot } else { Vec::new() },
                statements,
            }
        });
        Self {
            knots: knots.collect(),
        }
    }
}

/// The strongly connected components of a graph, each after those that its nodes use.
///
/// Tarjan's algorithm, with a stack of its own: chains of dependencies may be longer than the program's is deep.
pub(crate) fn knots(uses: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        uses,
        number: vec![None; uses.len()],
        low: vec![0; uses.len()],
        is_open: vec![false; uses.len()],
        open: Vec::new(),
        next: 0,
        knots: Vec::new(),
    };
    for node in 0..uses.len() {
        if search.number[node].is_none() {
            search.from(node);
        }
    }
    search.knots
}

struct Search<'a> {
    uses: &'a [Vec<usize>],
    number: Vec<Option<usize>>,
    low: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    next: usize,
    knots: Vec<Vec<usize>>,
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

    /// Closes the knot that began with this node, if one did.
    fn leave(&mut self, node: usize) {
        if self.number[node] != Some(self.low[node]) {
            return;
        }
        let first = self
            .open
            .iter()
            .rposition(|&other| other == node)
            .unwrap_or(0);
        let knot = self.open.split_off(first);
        for &node in &knot {
            self.is_open[node] = false;
        }
        self.knots.push(knot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_comes_first_and_knots_stay_together() {
        // 0 uses 1 and 3, 1 ↔ 2, 3 uses itself, 4 is free.
        let mut found = knots(&[vec![1, 3], vec![2], vec![1], vec![3], vec![]]);
        for knot in &mut found {
            knot.sort_unstable();
        }
        assert_eq!(found, [vec![1, 2], vec![3], vec![0], vec![4]]);
    }

    #[test]
    fn long_chains_are_ordered() {
        let n = 200_000;
        let uses: Vec<Vec<usize>> = (0..n)
            .map(|node| (node + 1 < n).then_some(node + 1).into_iter().collect())
            .collect();
        assert_eq!(knots(&uses).len(), n);
        assert_eq!(knots(&uses)[0], [n - 1]);
    }
}
