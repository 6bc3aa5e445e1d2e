//! Families and groups of random sizes and shapes return the same as loops.

use ampeg::{Graph, Outcome, Pool, Values, graph};
use fastrand::Rng;

const CASES: u64 = 12;

/// The values of a graph, which must be the same inline and on processes.
fn values<V: Values + std::fmt::Debug>(pool: &Pool, graph: &Graph<V>) -> V {
    let inline = graph.run_inline().unwrap().into_values().unwrap();
    let parallel = pool.run(graph).unwrap().into_values().unwrap();
    assert_eq!(format!("{inline:?}"), format!("{parallel:?}"));
    parallel
}

/// Calls `test` with random numbers; a failure prints the seed.
fn cases(test: impl Fn(&Pool, &mut Rng)) {
    let pool = Pool::new(3).unwrap();
    for seed in 0..CASES {
        println!("seed {seed}");
        test(&pool, &mut Rng::with_seed(seed));
    }
}

fn mix(values: &[u64], salt: usize) -> u64 {
    let mix = |sum: u64, value: &u64| {
        (sum ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(31)
    };
    values.iter().fold(salt as u64 + 1, mix)
}

#[test]
fn members_with_any_two_predecessors() {
    cases(|pool, random| {
        let n = random.usize(1..60);
        let pick = |random: &mut Rng| -> Vec<usize> {
            (0..n).map(|i| random.usize(0..i.max(1))).collect()
        };
        let (left, right) = (pick(random), pick(random));
        let costs: Vec<f64> = (0..n).map(|_| random.f64()).collect();
        let graph = graph! {
            node[0] = mix(&[7], 0);
            node[i in 1..n] = mix(&[node[left[i]], node[right[i]]], i) @ costs[i] via costs[i] / 2.0;
        };
        let mut expected = vec![mix(&[7], 0)];
        for i in 1..n {
            expected.push(mix(&[expected[left[i]], expected[right[i]]], i));
        }
        assert_eq!(values(pool, &graph).node, expected);
    });
}

#[test]
fn ranges_of_any_bounds() {
    cases(|pool, random| {
        let n = random.usize(1..40);
        let bounds: Vec<(usize, usize)> = (0..n)
            .map(|i| {
                let end = random.usize(0..=i);
                (random.usize(0..=end), end)
            })
            .collect();
        let (low, high): (Vec<_>, Vec<_>) = bounds.iter().copied().unzip();
        let graph = graph! {
            x[i in 0..n] = mix(&x[low[i]..high[i]], i);
            pub some = x[..n / 2];
            pub rest = mix(&x[n / 2..], 1);
            pub all = x;
        };
        let mut x: Vec<u64> = Vec::new();
        for (i, &(low, high)) in bounds.iter().enumerate() {
            x.push(mix(&x[low..high], i));
        }
        let values = values(pool, &graph);
        assert_eq!(values.some, x[..n / 2]);
        assert_eq!(values.rest, mix(&x[n / 2..], 1));
        assert_eq!(values.all, x);
    });
}

#[test]
fn triangle_with_conditions() {
    cases(|pool, random| {
        let n = random.i32(0..12);
        let graph = graph! {
            binomial[i in 0..n, j in 0..=i] = if j == 0 || i == j {
                1_u64
            } else {
                binomial[i - 1][j - 1] + binomial[i - 1][j]
            };
            sum[i in 0..n]: u64 = binomial[i].iter().sum();
        };
        let values = values(pool, &graph);
        let powers: Vec<u64> = (0..n).map(|i| 1 << i).collect();
        assert_eq!(values.sum, powers);
        for (i, row) in values.binomial.iter().enumerate() {
            let choose = |j: usize| (0..j).fold(1, |c, k| c * (i - k) as u64 / (k as u64 + 1));
            assert_eq!(*row, (0..=i).map(choose).collect::<Vec<_>>());
        }
    });
}

#[test]
fn groups_of_any_number_and_size() {
    cases(|pool, random| {
        let sizes: Vec<usize> = (0..random.usize(0..6))
            .map(|_| random.usize(0..6))
            .collect();
        let n = sizes.len();
        let salt = random.usize(0..100);
        let graph = graph! {
            shard[s in 0..n]: {
                part[p in 0..sizes[s]] = mix(&[salt as u64], 10 * s + p);
                /// The parts of this shard, and the sum of the shard before.
                sum = if s == 0 { mix(&part, 0) } else { mix(&[mix(&part, 0), shard[s - 1].sum], s) };
            }
            total = mix(&shard.sum, salt);
            nested = shard.part.concat().len();
        };
        let parts: Vec<Vec<u64>> = (0..n)
            .map(|s| {
                (0..sizes[s])
                    .map(|p| mix(&[salt as u64], 10 * s + p))
                    .collect()
            })
            .collect();
        let mut sums: Vec<u64> = Vec::new();
        for (s, part) in parts.iter().enumerate() {
            let own = mix(part, 0);
            sums.push(if s == 0 {
                own
            } else {
                mix(&[own, sums[s - 1]], s)
            });
        }
        let values = values(pool, &graph);
        assert_eq!(values.total, mix(&sums, salt));
        assert_eq!(values.nested, sizes.iter().sum::<usize>());
        for (s, shard) in values.shard.iter().enumerate() {
            assert_eq!((&shard.part, shard.sum), (&parts[s], sums[s]));
        }
    });
}

#[test]
fn columns_and_rows_of_a_ragged_family() {
    cases(|pool, random| {
        let n = random.usize(1..8);
        let k = random.usize(0..n);
        let graph = graph! {
            m[i in 0..n, j in 0..=i] = 100 * i + j;
            row[i in 0..n]: usize = m[i].iter().sum();
            pub column: usize = m[k..][k].iter().sum();
            pub corner = m[k..][..=k];
            pub rows = row;
        };
        let values = values(pool, &graph);
        let entry = |i: usize, j: usize| 100 * i + j;
        assert_eq!(values.column, (k..n).map(|i| entry(i, k)).sum::<usize>());
        let corner = (k..n).map(|i| (0..=k).map(|j| entry(i, j)).collect::<Vec<_>>());
        assert_eq!(values.corner, corner.collect::<Vec<_>>());
        let rows = (0..n).map(|i| (0..=i).map(|j| entry(i, j)).sum::<usize>());
        assert_eq!(values.rows, rows.collect::<Vec<_>>());
    });
}

#[test]
fn range_to_the_largest_number() {
    let graph = graph! {
        x[i in i64::MAX - 1..=i64::MAX] = i;
        pub last = x[i64::MAX];
        pub all = x[..=i64::MAX];
    };
    let values = graph.run_inline().unwrap().into_values().unwrap();
    assert_eq!(values.last, i64::MAX);
    assert_eq!(values.all, [i64::MAX - 1, i64::MAX]);
}

#[test]
fn merged_tasks_return_the_same_results() {
    cases(|pool, random| {
        let n = random.usize(1..20);
        // There are few different inputs, so many tasks are equal.
        let kinds: Vec<u64> = (0..n).map(|_| random.u64(0..3)).collect();
        let pick: Vec<usize> = (0..n).map(|i| random.usize(0..i.max(1))).collect();
        let graph = graph! {
            same[i in 0..n] = mix(&[1, 2], 3);
            moved[i in 0..n] = vec![same[i]; 2] retry 1;
            kind = kinds;
            x[i in 0..n] = if i == 0 { mix(&kind, 0) } else { mix(&[x[pick[i]]], 0) };
            left: { a = mix(&kind, 1); b = vec![a, 1]; }
            right: { a = mix(&kind, 1); b = vec![a, 1]; }
            pub all = (x, same, left.b, right.b);
            pub lists = moved;
        };
        let merged = graph.merge_duplicates();
        let (n_tasks, n_merged) = (
            graph.task_graph().unwrap().n_tasks(),
            merged.task_graph().unwrap().n_tasks(),
        );
        // One task is left of each of the first two families, and one of the groups.
        assert!(
            n_merged <= n_tasks - 2 * (n - 1) - 2,
            "{n_merged} of {n_tasks}"
        );
        let (plain, merged) = (values(pool, &graph), values(pool, &merged));
        assert_eq!(plain.all, merged.all);
        assert_eq!(plain.lists, merged.lists);
    });
}
