//! Results of other tasks: by value, by reference, in parts, and inside other expressions.

use crate::{Everywhere, Once, Point, add, square, sum, value};
use ampeg::graph;

#[test]
fn sole_use_moves_and_needs_no_clone() {
    fn into_inner(once: Once) -> Vec<i64> {
        once.0
    }
    assert_eq!(
        value!(b of { a = Once(vec![1, 2]); pub b = into_inner(a); }),
        [1, 2]
    );
    assert_eq!(value!(b of { a = Once(vec![1, 2]); pub b = a.0; }), [1, 2]);
    assert_eq!(
        value!(b of { a = vec![Once(vec![1])]; pub b = a.into_iter().map(|x| x.0.len()).sum::<usize>(); }),
        1
    );
}

#[test]
fn several_uses_by_value_clone() {
    let values = graph! {
        a = vec![3, 1, 2];
        b = { let mut sorted = a; sorted.sort_unstable(); sorted };
        c = [a, a].concat();
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, values.b), (vec![3, 1, 2], vec![1, 2, 3]));
    assert_eq!(values.c, [3, 1, 2, 3, 1, 2]);
}

#[test]
fn references_clone_nothing() {
    let values = graph! {
        a = Once(vec![1, 2, 3]);
        b = sum(&a.0);
        c = a.0.len();
        d = a.0[1] + a.0[2];
        e = a == Once(vec![1, 2, 3]);
        f = (&a).0.first().copied();
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.b, values.c, values.d), (6, 3, 5));
    assert_eq!((values.e, values.f), (true, Some(1)));
}

#[test]
fn parts_of_results() {
    let values = graph! {
        a = (Point { x: 1, y: 2 }, [vec![10, 20, 30, 40], vec![]]);
        b = add(a.0.x, a.0.y);
        c = sum(&a.1[0][1..3]);
        d = a.1[0].iter().chain(&a.1[1]).copied().max();
        e = a.0.clone();
        f = a.1[0][a.0.x as usize];
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.b, values.c, values.d), (3, 50, Some(40)));
    assert_eq!((values.e, values.f), (Point { x: 1, y: 2 }, 20));
}

#[test]
fn dependencies_stand_in_lists_tuples_structs_and_closures() {
    let values = graph! {
        x = square(2);
        y = square(3);
        list = sum(&[x, y, x]);
        tuple = (x, (y, "text".to_owned()));
        literal = Point { x, y: y + 1 };
        rest = Point { x: 0, ..literal };
        closure = (0..3).map(|i| i * x + y).collect::<Vec<_>>();
        nested = Some([x].iter().map(|z| add(*z, y)).sum::<i64>()).map(|z| z + x);
        range = (x..y).count();
        cast = x as f64 / 2.0;
        negative = -x;
        condition = if x < y { x } else { y };
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!(
        (values.list, values.tuple),
        (17, (4, (9, "text".to_owned())))
    );
    assert_eq!(values.literal, Point { x: 4, y: 10 });
    assert_eq!(values.rest, Point { x: 0, y: 10 });
    assert_eq!((values.closure, values.nested), (vec![9, 13, 17], Some(17)));
    assert_eq!(
        (values.range, values.negative, values.condition),
        (5, -4, 4)
    );
    assert!((values.cast - 2.0_f64).abs() < f64::EPSILON);
}

#[test]
fn functions_may_have_the_name_of_a_task() {
    fn mean(sum: i64, n: i64) -> i64 {
        sum / n
    }
    assert_eq!(
        value!(mean of { a = [1, 2, 6]; sum = sum(&a); mean = mean(sum, 3); }),
        3
    );
}

#[test]
fn types_may_be_annotated() {
    assert_eq!(
        value!(a of { a: Vec<u8> = [1, 2].into_iter().collect(); }),
        [1, 2]
    );
    assert_eq!(
        value!(b of { a: u8 = "7".parse()?; b: Option<_> = Some(a); }),
        Some(7)
    );
    assert_eq!(
        value!(a of { a: Vec<Vec<i8>> = Vec::new(); }),
        Vec::<Vec<i8>>::new()
    );
}

#[test]
fn result_used_in_place_of_a_single_task_may_be_changed_in_a_copy() {
    assert_eq!(
        value!(b of { a = vec![1]; b = { let mut a = a; a.push(2); a }; }),
        [1, 2]
    );
}
