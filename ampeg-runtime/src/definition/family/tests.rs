//! Members and selections, compared with nested loops over sets.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// The selected tasks, as a tree.
#[derive(Debug, PartialEq)]
enum Tree {
    One(TaskId),
    List(Vec<Tree>),
}

/// A family as plain sets: the indices of all members, and the first indices of all branches.
struct Naive {
    rank: usize,
    members: BTreeMap<Vec<i64>, TaskId>,
    paths: BTreeSet<Vec<i64>>,
}

impl Naive {
    fn new(rank: usize, members: &BTreeSet<Vec<i64>>, branches: &BTreeSet<Vec<i64>>) -> Self {
        let paths = members.iter().chain(branches).flat_map(|path| {
            let starts = 0..=path.len();
            starts.map(|end| path[..end].to_vec())
        });
        Self {
            rank,
            paths: paths.collect(),
            members: members
                .iter()
                .cloned()
                .zip((0..).map(TaskId::new))
                .collect(),
        }
    }

    /// The indices that may follow a path.
    fn below(&self, path: &[i64]) -> Vec<i64> {
        let longer = self.paths.iter();
        let longer =
            longer.filter(|other| other.len() == path.len() + 1 && other.starts_with(path));
        longer.map(|other| other[path.len()]).collect()
    }

    /// The selected tasks, or the first path that does not exist.
    fn select(&self, path: &[i64], selectors: &[Selector]) -> Result<Tree, Vec<i64>> {
        if path.len() == self.rank {
            return Ok(Tree::One(self.members[path]));
        }
        let below = self.below(path);
        let wanted: Vec<i64> = match (selectors[path.len()], below.first(), below.last()) {
            (Selector::All, _, _) => below,
            (Selector::One(index), _, _) => return self.step(path, index, selectors),
            (Selector::Span(start, end), _, _) => (start..end).collect(),
            (Selector::From(start), _, Some(&last)) if start > last + 1 => vec![start],
            (Selector::From(start), _, Some(&last)) => (start..=last).collect(),
            (Selector::To(end), Some(&first), _) => (first..end).collect(),
            (Selector::From(_) | Selector::To(_), _, _) => Vec::new(),
        };
        if let Some(&index) = wanted
            .iter()
            .find(|index| !self.below(path).contains(index))
        {
            return Err([path, &[index]].concat());
        }
        let trees = wanted
            .iter()
            .map(|&index| self.step(path, index, selectors));
        Ok(Tree::List(trees.collect::<Result<_, _>>()?))
    }

    fn step(&self, path: &[i64], index: i64, selectors: &[Selector]) -> Result<Tree, Vec<i64>> {
        let path = [path, &[index]].concat();
        if self.paths.contains(&path) {
            self.select(&path, selectors)
        } else {
            Err(path)
        }
    }
}

/// Folds tasks into lists of these lengths.
fn fold(
    selectors: &[Selector],
    tasks: &mut impl Iterator<Item = TaskId>,
    shape: &mut impl Iterator<Item = u32>,
) -> Tree {
    match selectors.split_first() {
        None => Tree::One(tasks.next().unwrap()),
        Some((Selector::One(_), rest)) => fold(rest, tasks, shape),
        Some((_, rest)) => {
            let length = shape.next().unwrap();
            Tree::List((0..length).map(|_| fold(rest, tasks, shape)).collect())
        }
    }
}

fn random_path(random: &mut fastrand::Rng, length: usize) -> Vec<i64> {
    (0..length).map(|_| random.i64(-2..5)).collect()
}

fn random_selector(random: &mut fastrand::Rng) -> Selector {
    let (a, b) = (random.i64(-3..6), random.i64(-3..6));
    match random.u8(0..6) {
        0 | 1 => Selector::One(a),
        2 => Selector::Span(a.min(b), a.max(b)),
        3 => Selector::From(a),
        4 => Selector::To(a),
        _ => Selector::All,
    }
}

#[test]
fn selections_are_those_of_nested_loops() {
    let mut random = fastrand::Rng::with_seed(3);
    let (mut n_found, mut n_missing) = (0, 0);
    for _ in 0..3_000 {
        let rank = random.usize(0..4);
        let n_members = random.usize(0..60);
        let members: BTreeSet<_> = (0..n_members.max(usize::from(rank == 0)))
            .map(|_| random_path(&mut random, rank))
            .collect();
        let branches: BTreeSet<_> = (0..random.usize(0..5))
            .map(|_| {
                let length = random.usize(0..rank.max(1));
                random_path(&mut random, length)
            })
            .collect();
        let naive = Naive::new(rank, &members, &branches);
        let given: Vec<_> = members.iter().collect();
        let mut rows: Vec<_> = (0..)
            .zip(&given)
            .map(|(member, path)| Row {
                indices: path,
                member: Some(member),
            })
            .chain(branches.iter().map(|path| Row {
                indices: path,
                member: None,
            }))
            .collect();
        random.shuffle(&mut rows);
        let (found, order) = Members::new(rank, 0, rows).unwrap();
        assert!(
            order.into_iter().eq(0..members.len()),
            "in order of indices"
        );
        for _ in 0..20 {
            let selectors: Vec<_> = (0..rank).map(|_| random_selector(&mut random)).collect();
            let (mut tasks, mut shape) = (Vec::new(), Vec::new());
            let result = found.select(&selectors, &mut tasks, &mut shape);
            match (result, naive.select(&[], &selectors)) {
                (Ok(()), Ok(tree)) => {
                    n_found += 1;
                    let (mut tasks, mut shape) = (tasks.into_iter(), shape.into_iter());
                    assert_eq!(fold(&selectors, &mut tasks, &mut shape), tree);
                    assert_eq!((tasks.next(), shape.next()), (None, None));
                }
                (Err(missing), Err(path)) => {
                    n_missing += 1;
                    assert_eq!(missing.path, path);
                }
                (found, expected) => panic!("{selectors:?}: {found:?} but {expected:?}"),
            }
        }
    }
    assert!(
        n_found > 10_000 && n_missing > 10_000,
        "{n_found} {n_missing}"
    );
}

#[test]
fn two_members_with_the_same_indices_are_refused() {
    let paths = [vec![1, 2], vec![1, 3], vec![1, 2]];
    let row = |(member, path)| Row {
        indices: path,
        member: Some(member),
    };
    let rows = (0..)
        .zip(&paths)
        .map(|(member, path)| row((member, &**path)));
    assert_eq!(Members::new(2, 0, rows.collect()).unwrap_err(), (0, 2));
    let rows = vec![row((0, &[])), row((1, &[]))];
    assert_eq!(Members::new(0, 0, rows).unwrap_err(), (0, 1));
}

#[test]
fn names_have_indices_where_they_were_declared() {
    let family = |name, segments| Family {
        name,
        statement: 0,
        segments,
    };
    let shard = family("shard.part", &[1, 1]);
    let grid = family("left.m", &[0, 2]);
    let name = |family: &Family, indices: &[i64]| MemberName { family, indices }.to_string();
    assert_eq!(name(&shard, &[2, -1]), "shard[2].part[-1]");
    assert_eq!(name(&shard, &[2]), "shard[2]");
    assert_eq!(name(&grid, &[1, 2]), "left.m[1][2]");
    assert_eq!(name(&grid, &[1]), "left.m[1]");
    assert_eq!(name(&family("shard.b", &[1, 0]), &[4]), "shard[4].b");
    assert_eq!(name(&family("a", &[0]), &[]), "a");
}

#[test]
fn runs_are_cut_short() {
    assert_eq!(runs(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
    assert_eq!(runs(&[0, 2, 4, 6, 8, 10, 12]).len(), 5);
    assert_eq!(runs(&[i64::MIN, i64::MAX]).len(), 2);
}
