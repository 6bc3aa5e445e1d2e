//! Graphs with families, as generated code declares them: their results, and the errors of mistakes.

use super::*;
use crate::api::outcome::Take;
use crate::api::pool::Pool;
use crate::api::program::{Graph, graph};
use crate::generated_code::clause::{IntoCount, IntoDuration};
use crate::generated_code::facts::Facts;
use crate::generated_code::inputs::{List, Type};
use crate::generated_code::task::{Call, dispatcher};
use crate::testing::outcome::{OutputsOf, outputs_of};
use ampeg_schedule::IntoCost;

const fn slot(family: u32, depth: u8, path: &'static str) -> Slot {
    Slot {
        family,
        depth,
        optional: false,
        branch: false,
        moved: false,
        path,
        parts: &[],
    }
}

const fn statement(
    name: &'static str,
    line: u32,
    family: u32,
    indices: &'static [&'static str],
    inputs: &'static [Slot],
) -> Statement {
    Statement {
        name,
        source: "",
        file: "site.rs",
        line,
        column: 1,
        family,
        inputs,
        captures: &[],
        indices,
        used_indices: &[],
        shape: line as u64,
        output: true,
    }
}

const fn family(name: &'static str, statement: u32, segments: &'static [u8]) -> Family {
    Family {
        name,
        statement,
        segments,
    }
}

/// `x[0] = 1; x[t in 1..n] = x[t - 1] + t; sum = x.iter().sum();`
struct Chain;

impl Source for Chain {
    const HASH: u64 = 1;
    fn facts() -> &'static Facts {
        const STATEMENTS: &[Statement] = &[
            statement("x", 1, 0, &[""], &[]),
            statement("x", 2, 0, &["t"], &[slot(0, 0, "x[t - 1]")]),
            statement("sum", 3, 1, &[], &[slot(0, 1, "x")]),
        ];
        const FAMILIES: &[Family] = &[family("x", 0, &[1]), family("sum", 2, &[0])];
        &Facts {
            statements: STATEMENTS,
            families: FAMILIES,
            captures: &[],
            parts: &[],
        }
    }
}

type MembersAndSum = OutputsOf<(List<Type<u64>>, Type<u64>)>;

/// The chain, with another dependency than on the previous member.
fn chain(range: Range<u64>, before: impl Fn(u64) -> u64) -> Graph<MembersAndSum> {
    let index = IndexType::new();
    let mut site = Site::new(&Chain);
    site.family();
    if site.fixed(0, || IntoIndex::to_number(0)) {
        site.member(|| IntoCost::given(1));
    }
    site.family();
    for t in site.range(0, index, || range) {
        site.enter(0, t);
        site.member(|| IntoCost::given(t));
        site.retry(|| IntoCount::into_count(1));
        site.within(|| IntoDuration::into_duration(60));
        site.slot();
        site.at(|| IntoIndex::to_number(before(t)));
        site.via_with(|| IntoCost::given(0.5));
    }
    site.task(IntoCost::given(2.5));
    site.via(IntoCost::given(0.25));
    let types = (index,);
    let dispatch = dispatcher(&types, |call: &mut Call<'_>, &(index,)| {
        let x = Type::<u64>::new();
        call.member(0, x, (), |(), _| Ok(1));
        call.member(1, x, (x, index), |(x, index), inputs| {
            Ok(*x.borrow(inputs, 0) + index.get(inputs, 0))
        });
        let sum = call.task(2, (x,), |(x,), inputs| {
            Ok(x.list().take_or_clone(inputs, 0).iter().sum::<u64>())
        });
        outputs_of((x.list(), sum))
    });
    graph(Chain, types, dispatch, site, Vec::new(), &[])
}

#[test]
fn members_may_depend_on_members_of_their_own_family() {
    let graph = chain(1..5, |t| t - 1);
    let (x, sum) = graph.run_inline().unwrap().into_outputs();
    assert_eq!(x, [Ok(1), Ok(2), Ok(4), Ok(7), Ok(11)]);
    assert_eq!(sum, Ok(25));
    let tasks = graph.task_graph().unwrap();
    let names: Vec<_> = tasks.task_ids().map(|task| tasks.name(task)).collect();
    assert_eq!(names, ["x[0]", "x[1]", "x[2]", "x[3]", "x[4]", "sum"]);
    assert_eq!(tasks.mean_cost(tasks.find("x[3]").unwrap()), 3.0);
    assert_eq!(tasks.predecessors(tasks.find("sum").unwrap()).len(), 5);
}

#[test]
fn lists_are_the_same_on_workers() {
    let pool = Pool::builder().threads(3).build().unwrap();
    for n in [1, 2, 50] {
        let graph = chain(1..n, |t| t / 2);
        let inline = graph.run_inline().unwrap().into_outputs();
        assert_eq!(inline.0.len(), usize::try_from(n).unwrap());
        assert_eq!(pool.run(&graph).unwrap().into_outputs(), inline);
    }
}

/// Rows of growing length: `m[i in 0..n, j in 0..i] = i * 10 + j; row[i in 0..n] = m[i]; some[i in 0..n] =
/// if i > 1 { m[1..i][0].len() + row[i].len() } else { 0 }; all = m;`
struct Triangle;

const SOME: &[Slot] = &[
    Slot {
        optional: true,
        ..slot(0, 1, "m[1..i][0]")
    },
    Slot {
        optional: true,
        ..slot(1, 0, "row[i]")
    },
];

impl Source for Triangle {
    const HASH: u64 = 2;
    fn facts() -> &'static Facts {
        const STATEMENTS: &[Statement] = &[
            statement("m", 1, 0, &["i", "j"], &[]),
            statement("row", 2, 1, &["i"], &[slot(0, 1, "m[i]")]),
            statement("some", 3, 2, &["i"], SOME),
            statement("all", 4, 3, &[], &[slot(0, 2, "m")]),
        ];
        const FAMILIES: &[Family] = &[
            family("m", 0, &[2]),
            family("row", 1, &[1]),
            family("some", 2, &[1]),
            family("all", 3, &[0]),
        ];
        &Facts {
            statements: STATEMENTS,
            families: FAMILIES,
            captures: &[],
            parts: &[],
        }
    }
}

type Rows = Vec<Vec<i32>>;

type Triangles = OutputsOf<(
    List<List<Type<i32>>>,
    List<Type<Vec<i32>>>,
    List<Type<usize>>,
    Type<Rows>,
)>;

fn triangle(n: i32) -> Graph<Triangles> {
    let (i, j) = (IndexType::new(), IndexType::new());
    let mut site = Site::new(&Triangle);
    site.family();
    for i_value in site.range(0, i, || 0..n) {
        site.enter(0, i_value);
        for j_value in site.range(1, j, || 0..i_value) {
            site.enter(1, j_value);
            site.member(|| IntoCost::given(1));
        }
    }
    site.family();
    for i_value in site.range(0, i, || 0..n) {
        site.enter(0, i_value);
        site.member(|| IntoCost::given(1));
        site.slot();
        site.same(0);
        site.via_with(|| IntoCost::given(0));
    }
    site.family();
    for i_value in site.range(0, i, || 0..n) {
        site.enter(0, i_value);
        site.member(|| IntoCost::given(1));
        if site.when(|| i_value > 1) {
            site.slot();
            site.span(|| 1..i_value);
            site.at(|| IntoIndex::to_number(0));
            site.via_with(|| IntoCost::given(0));
        } else {
            site.absent();
        }
        if site.when(|| i_value > 1) {
            site.slot();
            site.same(0);
            site.via_with(|| IntoCost::given(0));
        } else {
            site.absent();
        }
    }
    site.task(IntoCost::given(1));
    site.via(IntoCost::given(1));
    let types = (i, j);
    let dispatch = dispatcher(&types, |call: &mut Call<'_>, &(i, j)| {
        let m = call.task(0, (i, j), |(i, j), inputs| {
            Ok(i.get(inputs, 0) * 10 + j.get(inputs, 1))
        });
        let row = call.task(1, (m,), |(m,), inputs| {
            Ok(m.list().take_or_clone(inputs, 0))
        });
        let some = call.task(2, (i, m, row), |(i, m, row), inputs| {
            let column = m.list().optional().take_or_clone(inputs, 0);
            let row = row.optional().borrow(inputs, 1);
            Ok(if i.get(inputs, 0) > 1 {
                column.get_ref().len() + row.get().len()
            } else {
                0
            })
        });
        let all = call.task(3, (m,), |(m,), inputs| {
            Ok(m.list().list().take_or_clone(inputs, 0))
        });
        outputs_of((m.list().list(), row.list(), some.list(), all))
    });
    graph(Triangle, types, dispatch, site, Vec::new(), &[])
}

#[test]
fn several_indices_make_nested_lists_even_empty_ones() {
    let pool = Pool::builder().threads(2).build().unwrap();
    for n in 0..7 {
        let rows: Rows = (0..n)
            .map(|i| (0..i).map(|j| i * 10 + j).collect())
            .collect();
        let graph = triangle(n);
        for outcome in [graph.run_inline().unwrap(), pool.run(&graph).unwrap()] {
            let (m, row, some, all) = outcome.into_outputs();
            let plain = |row: Vec<Result<i32, _>>| row.into_iter().map(Result::unwrap).collect();
            assert_eq!(m.into_iter().map(plain).collect::<Rows>(), rows);
            assert_eq!(row.into_iter().map(Result::unwrap).collect::<Rows>(), rows);
            assert_eq!(all.unwrap(), rows);
            let some: Vec<_> = some
                .into_iter()
                .map(|n| i32::try_from(n.unwrap()).unwrap())
                .collect();
            let expected: Vec<_> = (0..n).map(|i| if i > 1 { i - 1 + i } else { 0 }).collect();
            assert_eq!(some, expected);
        }
    }
}

/// The error of the chain when it is used.
fn mistake(range: Range<u64>, before: impl Fn(u64) -> u64) -> String {
    chain(range, before).task_graph().unwrap_err().to_string()
}

#[test]
fn missing_members_are_named_with_those_that_exist() {
    assert_eq!(
        mistake(1..5, |t| t + 3),
        "`x[2]` uses `x[5]` (as `x[t - 1]`), which is not declared: there is `x[0]` to `x[4]`"
    );
    assert_eq!(
        mistake(3..5, |t| t - 1),
        "`x[3]` uses `x[2]` (as `x[t - 1]`), which is not declared: there is `x[0]`, `x[3]` to `x[4]`"
    );
}

#[test]
fn panics_of_index_expressions_are_errors() {
    let before = |t: u64| t.checked_sub(3).expect("attempt to subtract with overflow");
    assert_eq!(
        mistake(1..5, before),
        "`x[t - 1]` in `x[1]` cannot be computed: attempt to subtract with overflow; \
         if only some tasks use it, write `if … { … } else { … }` around it"
    );
}

#[test]
fn two_statements_with_one_member_are_refused() {
    assert_eq!(
        mistake(0..3, |_| 2),
        "`x[0]` is declared twice, at site.rs:1:1 and at site.rs:2:1"
    );
}

#[test]
fn cycles_of_members_are_named() {
    assert_eq!(
        mistake(1..4, |t| t % 3 + 1),
        "the dependencies form a cycle: x[1] → x[3] → x[2] → x[1]"
    );
    assert_eq!(mistake(1..4, |t| t), "task `x[1]` depends on itself");
}

#[test]
fn too_many_tasks_and_too_large_indices_are_refused_at_once() {
    let too_many = "the graph has more than 16777216 tasks";
    assert_eq!(mistake(1..u64::MAX, |t| t - 1), too_many);
    assert_eq!(mistake(1..(1 << 24) + 1, |t| t - 1), too_many);
    let last = u64::MAX - 1;
    assert_eq!(
        mistake(last..u64::MAX, |t| t - 1),
        "the index `t` of `x` is 18446744073709551614, but an index must fit in 64 bits with a sign"
    );
    assert_eq!(
        mistake(1..3, |_| u64::MAX),
        "`x[t - 1]` in `x[1]` is 18446744073709551615, but an index must fit in 64 bits with a sign"
    );
}

/// A site after the statements of `Triangle` up to `row`, with one member of `row` begun.
fn site_of_row() -> Site {
    let mut site = Site::new(&Triangle);
    site.family();
    for i in site.range(0, IndexType::new(), || 0..3) {
        site.enter(0, i);
        for j in site.range(1, IndexType::new(), || 0..2) {
            site.enter(1, j);
            site.member(|| IntoCost::given(1));
        }
    }
    site.family();
    site.range(0, IndexType::new(), || 2..3);
    site.enter(0, 2);
    site
}

fn error_of(site: Site) -> String {
    crate::definition::resolve::resolve(site, &[])
        .unwrap_err()
        .to_string()
}

#[test]
fn errors_of_clauses_name_the_member() {
    let mut site = site_of_row();
    site.member(|| IntoCost::given(-1));
    assert!(error_of(site).starts_with("task `row[2]`: a cost must be"));

    let mut site = site_of_row();
    site.member(|| panic!("no table"));
    assert_eq!(
        error_of(site),
        "the cost of `row[2]` cannot be computed: no table"
    );

    let mut site = site_of_row();
    site.member(|| IntoCost::given(1));
    site.retry(|| IntoCount::into_count(-1));
    assert_eq!(
        error_of(site),
        "`retry` of task `row[2]`: -1 is not a count from 0 to 4294967295"
    );

    let mut site = site_of_row();
    site.member(|| IntoCost::given(1));
    site.slot();
    site.via_with(|| IntoCost::given(f64::NAN));
    assert!(error_of(site).starts_with("dependency m[i] → row[2]: a cost must be"));

    let mut site = site_of_row();
    site.member(|| IntoCost::given(1));
    assert!(!site.when(|| panic!("who knows")));
    site.absent();
    assert_eq!(
        error_of(site),
        "the condition of `m[i]` in `row[2]` cannot be computed: who knows"
    );
}

#[test]
fn ranges_in_brackets_are_those_of_rust() {
    let tasks = |select: &dyn Fn(&mut Site)| {
        let mut site = site_of_row();
        site.member(|| IntoCost::given(1));
        site.slot();
        site.same(0);
        select(&mut site);
        site.via_with(|| IntoCost::given(1));
        crate::definition::resolve::resolve(site, &[]).map(|resolved| {
            let instance = resolved.instances.last().unwrap();
            let inputs: Vec<_> = instance.inputs.iter().map(|task| task.index()).collect();
            (inputs, instance.shape.clone())
        })
    };
    let both = (vec![4, 5], vec![2]);
    assert_eq!(tasks(&|site| site.span(|| 0..2)).unwrap(), both);
    assert_eq!(tasks(&|site| site.span(|| 0..=1)).unwrap(), both);
    assert_eq!(tasks(&|site| site.span(|| ..2)).unwrap(), both);
    assert_eq!(tasks(&|site| site.span(|| 0..)).unwrap(), both);
    assert_eq!(tasks(&|site| site.all()).unwrap(), both);
    assert_eq!(tasks(&|_| {}).unwrap(), both, "what is left out is all");
    assert_eq!(
        tasks(&|site| site.at(|| {
            let one = &1;
            IntoIndex::to_number(one)
        }))
        .unwrap(),
        (vec![5], vec![])
    );
    assert_eq!(
        tasks(&|site| site.span(|| 2..2)).unwrap(),
        (vec![], vec![0])
    );
    let backwards = tasks(&|site| site.span(|| Range { start: 2, end: 1 })).unwrap_err();
    assert_eq!(
        backwards.to_string(),
        "`m[i]` in `row[2]` starts at 2 but ends at 1"
    );
    let missing = tasks(&|site| site.span(|| 0..3)).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "`row[2]` uses `m[2][2]` (as `m[i]`), which is not declared: there is `m[2][0]` to `m[2][1]`"
    );
}

/// `shard[i in …]: { b = …; c = …; }`
struct Shard;

impl Source for Shard {
    const HASH: u64 = 3;
    fn facts() -> &'static Facts {
        const STATEMENTS: &[Statement] = &[
            statement("shard.b", 1, 0, &["i"], &[]),
            statement("shard.c", 2, 1, &["i"], &[]),
        ];
        const FAMILIES: &[Family] = &[family("shard.b", 0, &[1, 0]), family("shard.c", 1, &[1, 0])];
        &Facts {
            statements: STATEMENTS,
            families: FAMILIES,
            captures: &[],
            parts: &[],
        }
    }
}

fn shard(ranges: [usize; 2]) -> Result<Vec<String>, String> {
    let mut site = Site::new(&Shard);
    for end in ranges {
        site.family();
        for i in site.range(0, IndexType::new(), || 0..end) {
            site.enter(0, i);
            site.member(|| IntoCost::given(1));
        }
    }
    let resolved =
        crate::definition::resolve::resolve(site, &[]).map_err(|error| error.to_string())?;
    let tasks = resolved.task_graph;
    Ok(tasks
        .task_ids()
        .map(|task| tasks.name(task).to_owned())
        .collect())
}

#[test]
fn statements_of_a_group_must_have_the_same_indices() {
    assert_eq!(
        shard([2, 2]).unwrap(),
        ["shard[0].b", "shard[1].b", "shard[0].c", "shard[1].c"]
    );
    assert_eq!(
        shard([2, 3]).unwrap_err(),
        "the indices of `shard` differ between `shard.b` and `shard.c`: \
         its range must have the same values each time it is evaluated"
    );
}

#[test]
fn outputs_of_no_members_are_empty_lists() {
    let graph = triangle(0);
    let definition = graph.definition().unwrap();
    let mut results = crate::testing::outcome::results(definition, vec![None; 1]);
    assert!(<List<List<Type<u8>>> as Take>::take(&mut results).is_empty());
}
