//! Families: one task per index, members by index and range, lists of results, dependencies among members.

use crate::{Everywhere, Once, both, square, sum, value};
use ampeg::graph;
use serde::{Deserialize, Serialize};

#[test]
fn one_task_for_each_index() {
    let n = 4_i64;
    let values = both!(graph! {
        part[i in 0..n] = square(i) @ 2;
        total = sum(&part);
        all = part;
        some = sum(&part[1..3]);
        last = part[n - 1];
    });
    assert_eq!(values.part, [0, 1, 4, 9]);
    assert_eq!((values.total, values.some, values.last), (14, 5, 9));
    assert_eq!(values.all, values.part);
}

#[test]
fn names_of_members_contain_their_indices() {
    let graph = graph! { x[i in 3..5] = i; m[i in 0..1, j in -1..1] = i + j; };
    let tasks = graph.task_graph().unwrap();
    let names: Vec<_> = tasks
        .task_ids()
        .map(|task| tasks.name(task).to_owned())
        .collect();
    assert_eq!(names, ["x[3]", "x[4]", "m[0][-1]", "m[0][0]"]);
    let values = graph.run_inline().unwrap().into_values().unwrap();
    assert_eq!((values.x, values.m), (vec![3, 4], vec![vec![-1, 0]]));
}

//  m[0][0]
//  m[1][0]  m[1][1]
//  m[2][0]  m[2][1]  m[2][2]
#[test]
fn rows_may_be_ragged_and_columns_are_lists_too() {
    let values = both!(graph! {
        m[i in 0..3_i64, j in 0..=i] = 10 * i + j;
        row[i in 0..3_i64] = sum(&m[i]);
        column = sum(&m[1..][1]);
        corner = m[..][..1];
        one = m[2][1];
        rows = m[1..=1];
        n = m.iter().map(Vec::len).collect::<Vec<_>>();
    });
    assert_eq!(values.m, [vec![0], vec![10, 11], vec![20, 21, 22]]);
    assert_eq!((values.row, values.column), (vec![0, 21, 63], 32));
    assert_eq!((values.one, values.n), (21, vec![1, 2, 3]));
    assert_eq!(values.corner, [[0], [10], [20]]);
    assert_eq!(values.rows, [[10, 11]]);
}

#[test]
fn members_depend_on_members() {
    let n = 8;
    let values = both!(graph! {
        x[0] = 1_u64;
        x[t in 1..n] = 2 * x[t - 1];
        first = x[0];
        fibonacci[0] = 0;
        fibonacci[1] = 1;
        fibonacci[k in 2..n]: u32 = fibonacci[k - 1] + fibonacci[k - 2];
    });
    assert_eq!(values.x, [1, 2, 4, 8, 16, 32, 64, 128]);
    assert_eq!(values.fibonacci, [0, 1, 1, 2, 3, 5, 8, 13]);
    assert_eq!(values.first, 1);
}

#[test]
fn members_used_once_are_moved() {
    let values = both!(graph! {
        a[i in 0..3_i64] = Once(vec![i]);
        b[i in 0..3_i64] = { let mut moved = a[i]; moved.0.push(i); moved };
        c[i in 0..2_i64, j in 0..2_i64] = Once(vec![i, j]);
        d[i in 0..2_i64, j in 0..2_i64] = c[j][i];
        pub e = b.into_iter().map(|once| once.0.len()).sum::<usize>();
        pub f = d;
        g[k in 0..4_i64] = Once(vec![k]);
        pub h = g[1..3];
        one[k in 0..2_i64] = Once(vec![k]);
        pub two = one[1];
    });
    assert_eq!(values.e, 6);
    assert_eq!(values.f[1][0], Once(vec![0, 1]));
    assert_eq!(values.h, [Once(vec![1]), Once(vec![2])]);
    assert_eq!(values.two, Once(vec![1]));
}

#[test]
fn members_are_borrowed_without_clone() {
    fn len(once: &Once) -> usize {
        once.0.len()
    }
    let values = both!(graph! {
        a[i in 0..3_usize] = Once(vec![7; i]);
        b[i in 1..3_usize] = len(&a[i]) + a[i - 1].0.len();
        c[i in 0..3_usize] = a[i].0.first().copied();
    });
    assert_eq!(values.b, [1, 3]);
    assert_eq!(values.c, [None, Some(7), Some(7)]);
}

#[test]
fn several_uses_of_lists_share_them() {
    let values = both!(graph! {
        x[i in 0..4_i64] = i;
        y = sum(&x) + x.iter().map(|value| value * x[1]).sum::<i64>() + x.len() as i64;
        z = { let all = &x; (0..4).map(|k| all[3 - k]).collect::<Vec<_>>() };
        twice = [x, x].concat();
        text = format!("{x:?} {}", x[2]);
    });
    assert_eq!((values.y, values.z), (6 + 6 + 4, vec![3, 2, 1, 0]));
    assert_eq!(values.twice, [0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!(values.text, "[0, 1, 2, 3] 2");
}

#[test]
fn indices_are_values_of_their_type() {
    let (bytes, wide) = (0..3_u8, -2..1_i64);
    let captured = [10, 20, 30];
    let values = both!(graph! {
        a[b in bytes.clone()] = captured[usize::from(b)];
        c[w in wide.clone()] = w.pow(2);
        d[i in 0..2] = format!("{i}-{}", i + 1);
        e[i in 0..=2_u32] = vec![i; 2];
        same[i in 0..2_usize] = { let i = i + 1; (0..i).map(|i| i * 2).sum::<usize>() };
        picked[i in 0..3_usize] = a[2 - i];
    });
    assert_eq!((values.a, values.c), (vec![10, 20, 30], vec![4, 1, 0]));
    assert_eq!(values.d, ["0-1", "1-2"]);
    assert_eq!(values.e[2], [2, 2]);
    assert_eq!((values.same, values.picked), (vec![0, 2], vec![30, 20, 10]));
}

#[test]
fn index_expressions_use_variables_around_the_graph() {
    struct Plan {
        order: Vec<usize>,
    }
    let plan = Plan {
        order: vec![2, 0, 1],
    };
    let n = plan.order.len();
    let values = both!(graph! {
        x[i in 0..n] = 10 * i;
        y[i in 0..plan.order.len()] = x[plan.order[i]];
        z = x[plan.order[0]..];
    });
    assert_eq!((values.y, values.z), (vec![20, 0, 10], vec![20]));
}

#[test]
fn empty_families_are_empty_lists() {
    let n = 0;
    let values = both!(graph! {
        x[i in 0..n] = square(i);
        total = sum(&x);
        m[i in 0..3, j in 0..i] = i * j;
        first = m[0].len();
    });
    assert_eq!((values.x, values.total), (vec![], 0));
    assert_eq!(values.m, [vec![], vec![0], vec![0, 2]]);
    assert_eq!(values.first, 0);
}

#[test]
fn conditions_on_indices_decide_what_is_used() {
    let n = 5;
    let cut = 3;
    let values = both!(graph! {
        start = 100_i64;
        x[t in 0..n] = if t == 0 { start } else if t < cut { x[t - 1] + 1 } else { x[t - 2] };
        y[t in 0..n] = if t > 0 && t + 1 < n { x[t - 1] + x[t + 1] } else { 0 };
        z[t in 0..n] = t > 0 && x[t - 1] > 100;
        list[t in 0..n] = if t > 2 { sum(&x[..t]) } else { sum(&[start]) };
    });
    assert_eq!(values.x, [100, 101, 102, 101, 102]);
    assert_eq!(values.y, [0, 202, 202, 204, 0]);
    assert_eq!(values.z, [false, false, true, true, true]);
    assert_eq!(values.list, [100, 100, 100, 303, 404]);
}

#[test]
fn conditions_hold_for_plain_statements_that_select_members() {
    let last = |n: i64| value!(last of { x[i in 0..n] = square(i); last = if n > 0 { Some(x[n - 1]) } else { None }; });
    assert_eq!((last(0), last(4)), (None, Some(9)));
}

#[test]
fn costs_and_limits_may_depend_on_indices() {
    let costs = [1.5, 2.5, 4.0];
    let graph = graph! {
        a = 1_u64 @ 7;
        x[i in 0..3_usize] = a + i as u64 @ costs[i] via 2 * i within 10 + i retry i;
        y[i in 1..3_usize] = x[i - 1] + x[i] + a via { x: 2 * i, a: 0.5 };
        z = x[2] via { x: 3 };
    };
    let tasks = graph.task_graph().unwrap();
    let task = |name: &str| tasks.find(name).unwrap();
    assert_eq!(tasks.mean_cost(task("x[1]")), 2.5);
    let via = |from: &str, to: &str| {
        let mut inputs = tasks.predecessors(task(to)).iter();
        inputs
            .find(|input| input.task == task(from))
            .unwrap()
            .cost
            .value()
    };
    assert_eq!(via("a", "x[2]"), 4.0);
    assert_eq!(
        (via("x[0]", "y[1]"), via("x[1]", "y[1]"), via("a", "y[1]")),
        (2.0, 2.0, 0.5)
    );
    assert_eq!(via("x[2]", "z"), 3.0);
    assert_eq!(graph.run(2).unwrap().into_values().unwrap().y, [4, 6]);
}

#[test]
fn families_that_use_each_other_have_types() {
    let n = 5;
    let values = both!(graph! {
        even[0] = true;
        even[i in 1..n] = odd[i - 1];
        odd[0] = false;
        odd[i in 1..n] = even[i - 1];
    });
    assert_eq!(values.even, [true, false, true, false, true]);
    assert_eq!(values.odd, [false, true, false, true, false]);
}

/// The Cholesky decomposition of a symmetric matrix, in blocks of one number each.
#[test]
fn blocked_cholesky() {
    let matrix = [
        [4.0, 2.0, 2.0, 0.0],
        [2.0, 5.0, 3.0, 2.0],
        [2.0, 3.0, 6.0, 4.0],
        [0.0, 2.0, 4.0, 9.0],
    ];
    let size = matrix.len();
    let values = both!(graph! {
        update[k in 0..=size, i in k..size, j in k..=i]: f64 = if k == 0 {
            matrix[i][j]
        } else {
            update[k - 1][i][j] - panel[k - 1][i] * panel[k - 1][j]
        };
        panel[k in 0..size, i in k..size] = if i == k {
            update[k][k][k].sqrt()
        } else {
            update[k][i][k] / panel[k][k]
        };
        lower[i in 0..size, j in 0..=i] = panel[j][i];
    });
    let lower = values.lower;
    for (i, row) in matrix.iter().enumerate() {
        for (j, element) in row.iter().enumerate().take(i + 1) {
            let product: f64 = lower[i].iter().zip(&lower[j]).map(|(x, y)| x * y).sum();
            assert!((product - element).abs() < 1e-12, "{i} {j}");
        }
    }
}

#[test]
fn families_stand_in_generic_functions_and_methods() {
    use serde::{Serialize, de::DeserializeOwned};
    struct Model {
        scales: Vec<f64>,
    }
    impl Model {
        fn run(&self, x: f64) -> Vec<f64> {
            value!(y of { y[i in 0..self.scales.len()] = self.scales[i] * x @ self.scales[i]; })
        }
    }
    fn each<T>(items: &[T]) -> Vec<T>
    where
        T: Serialize + DeserializeOwned + Clone + std::fmt::Debug + 'static,
    {
        let items = items.to_vec();
        value!(pairs of { part[i in 0..items.len()] = items[i].clone(); pub pairs = part; })
    }
    assert_eq!(each(&["a".to_owned(), "b".to_owned()]), ["a", "b"]);

    assert_eq!(
        Model {
            scales: vec![1.0, 2.0]
        }
        .run(3.0),
        [3.0, 6.0]
    );
}

#[test]
fn failed_members_fail_what_needs_them_and_nothing_else() {
    let outcome = graph! {
        x[i in 0..3] = if i == 1 { Err("no")? } else { i };
        y[i in 0..3] = x[i] + 1;
        all = x.len();
    };
    let outcome = outcome.run_inline().unwrap();
    assert_eq!(outcome.y[0], Ok(1));
    assert_eq!(outcome.x[1].as_ref().unwrap_err().task(), "x[1]");
    assert!(outcome.y[1].is_err() && outcome.all.is_err());
    assert_eq!(outcome.y[2], Ok(3));
}

#[test]
fn parentheses_index_the_value_itself() {
    let values = both!(graph! {
        x[i in 5..8_usize] = vec![i, i + 1];
        a = (&x)[0][1];
        b = x[5][1];
        plain = vec![1, 2, 3];
        c = plain[2] + plain[..2].len();
    });
    assert_eq!((values.a, values.b, values.c), (6, 6, 5));
}

#[test]
fn equal_members_of_a_statement_are_merged() {
    let graph = graph! {
        a[i in 0..4_i64] = square(i % 2);
        b[k in 0..2_i64] = square(k % 2);
        g[z in 0..2_i64]: { c[i in 0..2_i64] = square(i % 2); }
        all = sum(&a) + sum(&b) + sum(&g.c.concat());
    };
    let merged = graph.merge_duplicates();
    assert_eq!(merged.task_graph().unwrap().n_tasks(), 4 + 2 + 2 + 1);
    let values = merged.run(2).unwrap().into_values().unwrap();
    assert_eq!((values.a, values.b), (vec![0, 1, 0, 1], vec![0, 1]));
    assert_eq!((values.g[1].c[1], values.all), (1, 5));
}

#[test]
fn mistakes_in_indices_are_reported_as_written() {
    fn check<V: ampeg::Values>(graph: &ampeg::Graph<V>, expected: &str) {
        let error = graph.run_inline().err().unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let n = 3;
    check(
        &graph! { x[i in 0..n] = i; y[i in 1..n] = x[i - 1] + x[i + 1]; },
        "`y[2]` uses `x[3]` (as `x[i + 1]`), which is not declared",
    );
    check(
        &graph! { shard[i in 0..n]: { x[j in 0..=i]: i64 = shard[i].x[j-1]; } },
        "`shard[0].x[0]` uses `shard[0].x[-1]` (as `shard[i].x[j-1]`)",
    );
    check(
        &graph! { x[t in 0..3_usize]: i64 = x[t - 1]; },
        "`x[t - 1]` in `x[0]` cannot be computed: attempt to subtract with overflow",
    );
    check(
        &graph! { x[0] = 1; x[i in 0..n] = i; },
        "`x[0]` is declared twice",
    );
    check(
        &graph! { x[i in 0..2]: i64 = y[1 - i]; y[i in 0..2] = x[1 - i] + x[i]; },
        "the dependencies form a cycle",
    );
    check(
        &graph! { x[i in 0..n] = match i { 0 => 1, _ => x[i - 1] }; },
        "`x[0]` uses `x[-1]` (as `x[i - 1]`), which is not declared",
    );
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    line: (i64, Vec<i64>),
    name: String,
}

fn fit(k: i64) -> Fit {
    Fit {
        line: (k, vec![k, k + 1, k + 2]),
        name: format!("fit {k}"),
    }
}

#[test]
fn brackets_after_a_list_apply_to_each_member() {
    let (n, k) = (3_i64, 1_usize);
    let values = both!(graph! {
        _row[i in 0..n] = vec![10 * i, 10 * i + 1, 10 * i + 2];
        _m[i in 0..2_i64, j in 0..2_i64] = vec![10 * i + j, 7];
        _fit[i in 0..2] = fit(i);
        second = _row[..][1];
        cloned = _row[..][1].clone();
        some = _row[1..][k];
        rest = _row[..][1..];
        turned[j in 0..3_usize] = _row[..][j];
        column = _m[..][1][0];
        nested = _m[..][..][0];
        slopes = _fit.line.0;
        last = _fit[..].line.1[2];
        names = _fit.name[..3];
        under[i in 0..n] = if i > 0 { (0..2).flat_map(|_| _row[..i][0]).collect() } else { vec![] };
    });
    assert_eq!(
        (&values.second, &values.cloned),
        (&vec![1, 11, 21], &values.second)
    );
    assert_eq!(values.some, [11, 21]);
    assert_eq!(values.rest, [[1, 2], [11, 12], [21, 22]]);
    assert_eq!(values.turned, [[0, 10, 20], [1, 11, 21], [2, 12, 22]]);
    assert_eq!(
        (values.column, values.nested),
        (vec![1, 11], vec![vec![0, 1], vec![10, 11]])
    );
    assert_eq!((values.slopes, values.last), (vec![0, 1], vec![2, 3]));
    assert_eq!(values.names, ["fit", "fit"]);
    assert_eq!(values.under, [vec![], vec![0, 0], vec![0, 10, 0, 10]]);
}

#[test]
fn parts_of_each_member_may_stand_anywhere() {
    macro_rules! lengths {
        ($($x:expr),*) => { vec![$($x.len()),*] };
    }
    macro_rules! record {
        ({ $($key:literal : $value:expr),* }) => { vec![$(format!("{}{:?}", $key, $value)),*] };
    }
    let values = both!(graph! {
        _row[i in 0..2] = vec![10 * i, 10 * i + 1, 10 * i + 2];
        shard[s in 0..2]: { _fit = fit(s); _part[j in 0..2] = vec![s, j]; inner: { _f = fit(s + 5); } pub sum = _part[..][0].len(); }
        pub with_whole = (_row[..][0], _row[..].concat(), _row[..][1..][0], _row[..][0]);
        pub looped = { let mut sum = 0; for x in _row[..][2] { sum += x + (_row[..][0])[1]; } sum };
        pub macros = (lengths!(_row[..][1], _row[..]), record!({ "a": _row[..][1], "b": _row[..].len() }));
        pub text = format!("{:?} {}", _row[..][1], _row[..][1].len());
        pub groups = (shard.inner._f.name, shard[..]._part[1][0], shard._fit.line.1[..1]);
        pub again = _row[..][0] retry 2;
    });
    assert_eq!(
        values.with_whole,
        (
            vec![0, 10],
            vec![0, 1, 2, 10, 11, 12],
            vec![1, 11],
            vec![0, 10]
        )
    );
    assert_eq!((values.looped, values.again), (34, vec![0, 10]));
    assert_eq!(
        values.macros,
        (vec![2, 2], vec!["a[1, 11]".to_owned(), "b2".to_owned()])
    );
    assert_eq!(values.text, "[1, 11] 2");
    let names = vec!["fit 5".to_owned(), "fit 6".to_owned()];
    assert_eq!(values.groups, (names, vec![0, 1], vec![vec![0], vec![1]]));
}

#[test]
fn methods_and_names_of_a_list_are_those_of_the_list() {
    let values = both!(graph! {
        _row[i in 0..3] = vec![10 * i, 10 * i + 1];
        length = _row[..].len();
        first = _row[..].first().cloned();
        sum = _row.iter().map(|row| row[1]).sum::<i32>();
        named = { let all = &_row; all[1][0] };
        member = (_row[..])[1][0] + _row[1][0];
    });
    assert_eq!((values.length, values.first), (3, Some(vec![0, 1])));
    assert_eq!((values.sum, values.named, values.member), (33, 10, 20));
}

#[test]
fn part_that_a_member_lacks_is_the_failure_of_its_user() {
    let outcome = graph! {
        _row[i in 0..3_usize] = vec![7; i];
        pub lacks = _row[..][1];
        pub has = _row[2..][1];
    }
    .everywhere();
    let error = outcome.lacks.as_ref().unwrap_err().to_string();
    assert!(error.contains("out of bounds"), "{error}");
    assert_eq!(outcome.has, Ok(vec![7]));
}
