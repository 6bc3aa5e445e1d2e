//! Groups: tasks under a prefix, alone and one group per index.

use crate::{Once, both, square, sum};
use ampeg::graph;

#[test]
fn groups_prefix_names_and_nest_outputs() {
    let values = both!(graph! {
        base = 2;
        left: {
            a = square(base);
            b = a + 1;
        }
        right: {
            a = left.b;
            inner: { c = a + left.a + base; };
        }
        total = left.b + right.inner.c;
    });
    assert_eq!((values.left.a, values.left.b), (4, 5));
    assert_eq!((values.right.a, values.right.inner.c), (5, 11));
    assert_eq!(values.total, 16);
}

#[test]
fn names_resolve_outward() {
    let values = both!(graph! {
        a = 1;
        b = 10;
        g: {
            a = 2;
            x = a + b;
            h: { b = 20; y = a + b + x; }
        }
        z = a + b;
    });
    assert_eq!((values.g.x, values.g.h.y, values.z), (12, 34, 11));
}

#[test]
fn family_of_groups() {
    let n = 3;
    let values = both!(graph! {
        shard[i in 0..n]: {
            part[j in 0..=i] = 10 * i + j;
            sum = sum(&part);
            next = if i == 0 { sum } else { shard[i - 1].next + sum };
        }
        sums = shard.sum;
        nested = shard.part;
        some = shard[1..].part[1];
        one = shard[2].part[1];
        last = shard[n - 1].next;
    });
    let parts: Vec<_> = values
        .shard
        .iter()
        .map(|shard| shard.part.clone())
        .collect();
    assert_eq!(parts, [vec![0], vec![10, 11], vec![20, 21, 22]]);
    assert_eq!(values.nested, parts);
    assert_eq!(values.sums, [0, 21, 63]);
    assert_eq!(
        (values.some, values.one, values.last),
        (vec![11, 21], 21, 84)
    );
    assert_eq!(values.shard[1].next, 21);
}

#[test]
fn groups_within_families_of_groups() {
    let values = both!(graph! {
        outer[i in 0..2_i64]: {
            base = Once(vec![i]);
            inner[j in 0..3_i64]: {
                own = i + j;
                deep: { pair = (own, i * j); }
            }
            flat = inner.deep.pair.len();
        }
        all = outer.inner.own;
        row = outer[1].inner.own;
        column = outer.inner[2].own;
    });
    assert_eq!(values.all, [[0, 1, 2], [1, 2, 3]]);
    assert_eq!((values.row, values.column), (vec![1, 2, 3], vec![2, 3]));
    assert_eq!(values.outer[1].inner[2].deep.pair, (3, 2));
    assert_eq!(
        (values.outer[0].flat, &values.outer[1].base),
        (3, &Once(vec![1]))
    );
}

#[test]
fn only_public_tasks_are_outputs_in_all_groups() {
    let outcome = graph! {
        hidden = 1;
        /// Nothing of it is an output.
        inside: { a = hidden; }
        /// One value a shard.
        shard[i in 0..2]: {
            a = i + inside.a;
            /// The value.
            pub b = a * 2;
            empty: { c = a; _d = c; }
        }
    };
    let outcome = outcome.run_inline().unwrap();
    assert_eq!(outcome.shard[1].b, Ok(4));
    assert_eq!(
        format!("{:?}", outcome.into_values().unwrap()),
        "Values { shard: [shard { b: 2 }, shard { b: 4 }] }"
    );
}

#[test]
fn members_of_a_group_have_paths_for_names() {
    let graph = graph! {
        left: { a = 1; b[i in 0..2] = i; }
        shard[i in 1..3]: { a = i; b[j in 0..1] = a + j + left.a; }
    };
    let tasks = graph.task_graph().unwrap();
    let names: Vec<_> = tasks
        .task_ids()
        .map(|task| tasks.name(task).to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "left.a",
            "left.b[0]",
            "left.b[1]",
            "shard[1].a",
            "shard[2].a",
            "shard[1].b[0]",
            "shard[2].b[0]"
        ]
    );
    assert_eq!(graph.statements().unwrap()[3].name, "shard.b");
}

#[test]
fn costs_of_paths() {
    let graph = graph! {
        left: { a = 1; b = 2; }
        shard[i in 0..2_i64]: { c = i; d = c via { c: i + 1 }; }
        all = left.a + left.b + shard.d.len() via { left.b: 2, shard.d: 3 };
    };
    let tasks = graph.task_graph().unwrap();
    let task = |name: &str| tasks.find(name).unwrap();
    let via = |from: &str, to: &str| {
        let mut inputs = tasks.predecessors(task(to)).iter();
        inputs
            .find(|input| input.task == task(from))
            .unwrap()
            .cost
            .value()
    };
    assert_eq!((via("left.a", "all"), via("left.b", "all")), (0.0, 2.0));
    assert_eq!(
        (via("shard[1].d", "all"), via("shard[1].c", "shard[1].d")),
        (3.0, 2.0)
    );
}

#[test]
fn shards_without_members_are_there() {
    let sizes = [0, 2, 0];
    let values = both!(graph! {
        shard[i in 0..sizes.len()]: {
            part[j in 0..sizes[i]] = i + j;
            n = part.len();
        }
    });
    let parts: Vec<_> = values
        .shard
        .iter()
        .map(|shard| shard.part.clone())
        .collect();
    assert_eq!(parts, [vec![], vec![1, 2], vec![]]);
    assert_eq!(values.shard[1].n, 2);
}

#[test]
fn first_error_is_that_of_the_first_shard() {
    let outcome = graph! {
        shard[i in 0..3]: {
            a = if i > 0 { Err(format!("bad {i}"))? } else { i };
            b = a + 1;
        }
    };
    let outcome = outcome.run_inline().unwrap();
    assert_eq!(outcome.shard[0].b, Ok(1));
    assert_eq!(outcome.into_values().unwrap_err().task(), "shard[1].a");
}
