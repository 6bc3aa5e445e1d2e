//! The error of a cycle, with the shortest cycle that can be found in reasonable time.

use super::error::GraphErrorKind;
use super::{Adjacency, Names};
use crate::base::error::Error;
use crate::base::id::TaskId;
use std::collections::VecDeque;

/// The number of dependencies that the search for a shorter cycle may visit.
const MAX_STEPS: usize = 2_000_000;

/// The error that names a cycle among `remaining`, the tasks that no topological order reaches.
///
/// The cycle is the shortest one, unless the graph is so large that the search would take seconds.
pub(super) fn error(remaining: &[TaskId], successors: &Adjacency, names: &Names) -> Error {
    let mut search = Search {
        successors,
        is_open: vec![false; successors.starts.len() - 1],
        reached_from: vec![None; successors.starts.len() - 1],
        n_steps: 0,
    };
    for task in remaining {
        search.is_open[task.index()] = true;
    }
    let mut shortest = search.any(remaining);
    for &task in remaining {
        if search.n_steps > MAX_STEPS || shortest.len() == 1 {
            break;
        }
        if let Some(cycle) = search.shortest_through(task, shortest.len()) {
            shortest = cycle;
        }
        // The search now knows that cycles through this task are not shorter.
        search.is_open[task.index()] = false;
    }
    let smallest = (0..shortest.len()).min_by_key(|&index| shortest[index]);
    shortest.rotate_left(smallest.unwrap_or(0));
    let path = shortest.iter().chain(shortest.first());
    GraphErrorKind::Cycle(path.map(|&task| names.name(task).to_owned()).collect()).into()
}

struct Search<'a> {
    successors: &'a Adjacency,
    is_open: Vec<bool>,
    reached_from: Vec<Option<TaskId>>,
    n_steps: usize,
}

impl Search<'_> {
    /// Any cycle, found by following predecessors. Each remaining task has a remaining predecessor.
    fn any(&self, remaining: &[TaskId]) -> Vec<TaskId> {
        let mut predecessor = vec![None; self.is_open.len()];
        for &task in remaining {
            for successor in self.successors.of(task) {
                predecessor[successor.task.index()].get_or_insert(task);
            }
        }
        let mut position = vec![usize::MAX; self.is_open.len()];
        let mut path = Vec::new();
        let mut task = remaining[0];
        while position[task.index()] == usize::MAX {
            position[task.index()] = path.len();
            path.push(task);
            task = predecessor[task.index()].expect("a remaining task has a remaining predecessor");
        }
        path.drain(..position[task.index()]);
        path.reverse();
        path
    }

    /// The shortest cycle through `first`, if it is shorter than `limit`.
    fn shortest_through(&mut self, first: TaskId, limit: usize) -> Option<Vec<TaskId>> {
        let mut queue = VecDeque::from([(first, 1)]);
        let mut reached = Vec::new();
        let mut last = None;
        'search: while let Some((task, length)) = queue.pop_front() {
            if length >= limit {
                break;
            }
            for successor in self.successors.of(task) {
                self.n_steps += 1;
                let to = successor.task;
                if to == first {
                    last = Some(task);
                    break 'search;
                }
                if self.is_open[to.index()] && self.reached_from[to.index()].is_none() {
                    self.reached_from[to.index()] = Some(task);
                    reached.push(to);
                    queue.push_back((to, length + 1));
                }
            }
        }
        let cycle = last.map(|last| self.path(first, last));
        for task in reached {
            self.reached_from[task.index()] = None;
        }
        cycle
    }

    fn path(&self, first: TaskId, last: TaskId) -> Vec<TaskId> {
        let mut path = vec![last];
        let mut task = last;
        while task != first {
            task = self.reached_from[task.index()].expect("the search came from `first`");
            path.push(task);
        }
        path.reverse();
        path
    }
}
