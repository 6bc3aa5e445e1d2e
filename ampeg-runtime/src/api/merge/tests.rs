//! Merged graphs return the same results as unmerged ones.

use super::*;
use crate::api::pool::Pool;
use crate::api::program::graph;
use crate::definition::site::Site;
use crate::generated_code::capture::probe::*;
use crate::generated_code::clause::{IntoCount, IntoDuration, Limit};
use crate::generated_code::facts::{Facts, Family, Slot, Source};
use crate::generated_code::index::IndexType;
use crate::generated_code::inputs::Type;
use crate::generated_code::task::{Call, dispatcher};
use crate::testing::outcome::{OutputsOf, outputs_of};
use ampeg_schedule::IntoCost;

/// `a = f(x); b = f(y); c = join(a, b); d: u64 = f(x); pub e = c.0.clone(); pub g = c.0.clone(); h = other(x);`
///
/// `a` and `b` are moved into `c`. `d` has another type than `a`, and `h` calls another function.
struct Square;

const fn slot(family: u32, moved: bool) -> Slot {
    Slot {
        family,
        depth: 0,
        optional: false,
        branch: false,
        moved,
        path: "",
        parts: &[],
    }
}

const fn statement(
    name: &'static str,
    family: u32,
    inputs: &'static [Slot],
    captures: &'static [u32],
    shape: u64,
) -> Statement {
    Statement {
        name,
        source: "",
        file: "merge.rs",
        line: 1,
        column: 1,
        family,
        inputs,
        captures,
        indices: &[],
        used_indices: &[],
        shape,
        output: shape > 2,
    }
}

const fn family(name: &'static str, statement: u32) -> Family {
    Family {
        name,
        statement,
        segments: &[0],
    }
}

impl Source for Square {
    const HASH: u64 = 11;
    fn facts() -> &'static Facts {
        const STATEMENTS: &[Statement] = &[
            statement("a", 0, &[], &[0, 2], 1),
            statement("b", 1, &[], &[1, 2], 1),
            statement("c", 2, &[slot(0, true), slot(1, true)], &[], 2),
            statement("d", 3, &[], &[0, 2], 1),
            statement("e", 4, &[slot(2, false)], &[], 3),
            statement("g", 5, &[slot(2, false)], &[], 3),
            statement("h", 6, &[], &[0, 3], 1),
        ];
        const FAMILIES: &[Family] = &[
            family("a", 0),
            family("b", 1),
            family("c", 2),
            family("d", 3),
            family("e", 4),
            family("g", 5),
            family("h", 6),
        ];
        &Facts {
            statements: STATEMENTS,
            families: FAMILIES,
            captures: &["x", "y", "f", "other"],
            parts: &[],
        }
    }
}

type Squares = OutputsOf<(Type<Vec<u64>>, Type<Vec<u64>>)>;

/// A vector that can be sent, but not cloned.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Once(Vec<u64>);

#[allow(
    clippy::needless_borrow,
    reason = "generated code does not know which of the probes fits"
)]
fn squares(x: u64, y: u64) -> Graph<Squares> {
    let square = |x: u64| Once(vec![x * x]);
    let other = |x: u64| Once(vec![x + x]);
    let captures = (
        (&&&&Probe::new(&x)).probe(),
        (&&&&Probe::new(&y)).probe(),
        (&&&&Probe::new(&square)).probe(),
        (&&&&Probe::new(&other)).probe(),
    );
    let types = (
        captures.0.mode(),
        captures.1.mode(),
        captures.2.mode(),
        captures.3.mode(),
    );
    let dispatch = dispatcher(&types, |call: &mut Call<'_>, &(x, y, square, other)| {
        let a = call.task(0, (x, square), |(x, square), inputs| {
            Ok((square.take(inputs, 1))(*x.borrow(inputs, 0)))
        });
        let b = call.task(1, (y, square), |(y, square), inputs| {
            Ok((square.take(inputs, 1))(*y.borrow(inputs, 0)))
        });
        let joined = call.task(2, (a, b), |(a, b), inputs| {
            let (mut a, b) = (a.take(inputs, 0), b.take(inputs, 1));
            a.0.extend(b.0);
            Ok(a)
        });
        call.task(3, (x,), |(x,), inputs| Ok(*x.borrow(inputs, 0)));
        let first = call.task(4, (joined,), |(joined,), inputs| {
            Ok(joined.borrow(inputs, 0).0.clone())
        });
        let second = call.task(5, (joined,), |(joined,), inputs| {
            Ok(joined.borrow(inputs, 0).0.clone())
        });
        call.task(6, (x, other), |(x, other), inputs| {
            Ok((other.take(inputs, 1))(*x.borrow(inputs, 0)))
        });
        call.capture(0, x);
        call.capture(1, y);
        call.capture(2, square);
        call.capture(3, other);
        outputs_of((first, second))
    });
    let captures = vec![
        captures.0.into_payload(),
        captures.1.into_payload(),
        captures.2.into_payload(),
        captures.3.into_payload(),
    ];
    graph(Square, types, dispatch, site(), captures, &[])
}

fn site() -> Site {
    let mut site = Site::new(&Square);
    site.task(IntoCost::given(1));
    site.limit(Limit {
        within: Some(IntoDuration::into_duration(60)),
        retry: None,
    });
    site.task(IntoCost::given(5));
    site.limit(Limit {
        within: Some(IntoDuration::into_duration(90)),
        retry: Some(IntoCount::into_count(2)),
    });
    site.task(IntoCost::given(1));
    site.via(IntoCost::given(1));
    site.via(IntoCost::given(3));
    site.task(IntoCost::given(1));
    for _ in ["e", "g"] {
        site.task(IntoCost::given(1));
        site.via(IntoCost::given(1));
    }
    site.task(IntoCost::given(1));
    site
}

fn names<O>(graph: &Graph<O>) -> Vec<&str> {
    let tasks = graph.task_graph().unwrap();
    tasks.task_ids().map(|task| tasks.name(task)).collect()
}

#[test]
fn equal_tasks_are_merged_and_all_outputs_stay() {
    let pool = Pool::builder().threads(3).build().unwrap();
    for (y, expected) in [
        (3, vec!["a", "c", "d", "e", "h"]),
        (4, vec!["a", "b", "c", "d", "e", "h"]),
    ] {
        let graph = squares(3, y);
        assert_eq!(names(&graph), ["a", "b", "c", "d", "e", "g", "h"]);
        let merged = graph.merge_duplicates();
        assert_eq!(names(&merged), expected);
        let outputs = graph.run_inline().unwrap().into_outputs();
        assert_eq!(outputs.0, Ok(vec![9, y * y]));
        assert_eq!(merged.run_inline().unwrap().into_outputs(), outputs);
        assert_eq!(pool.run(&merged).unwrap().into_outputs(), outputs);
        assert_eq!(names(&merged.merge_duplicates()), expected);
    }
}

#[test]
fn costs_and_limits_are_the_largest_of_the_merged() {
    let merged = squares(3, 3).merge_duplicates();
    let tasks = merged.task_graph().unwrap();
    let (a, c) = (tasks.find("a").unwrap(), tasks.find("c").unwrap());
    assert_eq!(tasks.mean_cost(a), 5.0);
    let dependency = tasks.predecessors(c)[0];
    assert_eq!((dependency.task, dependency.cost.value()), (a, 3.0));
    let limits = merged.definition().unwrap().instance(a).limits;
    assert_eq!(limits.retry, 2);
    assert_eq!(limits.within, Some(std::time::Duration::from_secs(90)));
}

#[test]
fn members_that_do_not_use_their_index_are_merged() {
    struct Parts;
    impl Source for Parts {
        const HASH: u64 = 12;
        fn facts() -> &'static Facts {
            const STATEMENTS: &[Statement] = &[
                Statement {
                    indices: &["i"],
                    output: true,
                    ..statement("x", 0, &[], &[], 1)
                },
                Statement {
                    indices: &["i", "j"],
                    used_indices: &[1],
                    output: true,
                    ..statement("y", 1, &[], &[], 2)
                },
            ];
            const FAMILIES: &[Family] = &[
                Family {
                    segments: &[1],
                    ..family("x", 0)
                },
                Family {
                    segments: &[2],
                    ..family("y", 1)
                },
            ];
            &Facts {
                statements: STATEMENTS,
                families: FAMILIES,
                captures: &[],
                parts: &[],
            }
        }
    }
    let (i, j) = (IndexType::<u8>::new(), IndexType::<u8>::new());
    let mut site = Site::new(&Parts);
    site.family();
    for value in site.range(0, i, || 0..3) {
        site.enter(0, value);
        site.member(|| IntoCost::given(1));
    }
    site.family();
    for value in site.range(0, i, || 0..3) {
        site.enter(0, value);
        for value in site.range(1, j, || 0..2) {
            site.enter(1, value);
            site.member(|| IntoCost::given(1));
        }
    }
    let types = (j,);
    let dispatch = dispatcher(&types, |call: &mut Call<'_>, &(j,)| {
        let x = call.task(0, (), |(), _| Ok(7));
        let y = call.task(1, (j,), |(j,), inputs| Ok(j.get(inputs, 1)));
        outputs_of((x.list(), y.list().list()))
    });
    let graph = graph(Parts, types, dispatch, site, Vec::new(), &[]);
    let merged = graph.merge_duplicates();
    assert_eq!(names(&merged), ["x[0]", "y[0][0]", "y[0][1]"]);
    let outputs = graph.run_inline().unwrap().into_outputs();
    let (x, y) = merged.run_inline().unwrap().into_outputs();
    assert_eq!((&x, &y), (&outputs.0, &outputs.1));
    assert_eq!((x.len(), y.len()), (3, 3));
    assert_eq!(y[2][1], Ok(1));
}
