//! Bodies are any expression; names resolve as in rustc.

use crate::{Everywhere, Point, add, square, value};

#[test]
fn blocks_bind_their_own_names() {
    assert_eq!(
        value!(b of { a = 5; b = { let a = a + 1; let a = a * 2; a.max(0) }; }),
        12
    );
    assert_eq!(
        value!(b of { a = 5; b = { { let a = 1; square(a); } a }; }),
        5
    );
    assert_eq!(
        value!(b of { a = Some(5); b = { let Some(a) = a else { panic!("{a:?}") }; a }; }),
        5
    );
}

#[test]
fn patterns_bind_their_own_names() {
    let values = value!(all of {
        a = Some((1, Point { x: 2, y: 3 }));
        b = match &a {
            Some((a, Point { x, .. })) if a < x => a + x,
            Some((b @ 1.., _)) => *b,
            _ => 0,
        };
        c = if let Some((a, ref b)) = a && let Point { x: 2, y } = b && *y > a { y + b.y } else { 0 };
        d = { let mut rest = vec![1, 2]; let mut n = 0; while let Some(a) = rest.pop() { n += a; } n };
        e = { let mut n = 0; for (a, x) in [(1, 2), (3, 4)] { n += a * x; } n };
        f = 'a: { let (1 | 2) = b else { break 'a 7 }; 0 };
        g = { let [a, .., z] = [1, 2, 3]; let (x, &y) = (a, &z); x + y };
        h = [1, 2].iter().map(|a| { let b = a; b * 10 }).sum::<i64>();
        all = (b, c, d, e, f, g, h);
    });
    assert_eq!(values, (3, 6, 3, 14, 7, 4, 30));
}

#[test]
fn items_in_a_body_are_its_own() {
    assert_eq!(
        value!(b of { a = 3; b = { fn a(b: i64) -> i64 { if b > 3 { return b + 1; } b } a(4) }; }),
        5
    );
    assert_eq!(
        value!(b of { a = 3; b = { const N: i64 = 4; use crate::add as plus; plus(a, N) }; }),
        7
    );
    let largest =
        value!(b of { a = vec![1, 3]; b = { use std::cmp::max; a.into_iter().fold(0, max) }; });
    assert_eq!(largest, 3);
}

#[test]
fn return_and_question_mark_belong_to_closures() {
    let found = value!(b of {
        a = vec!["1", "x", "3"].into_iter().map(str::to_owned).collect::<Vec<_>>();
        b = a.iter().filter_map(|text| { let n: i64 = text.parse().ok()?; if n > 2 { return None; } Some(n) }).collect::<Vec<_>>();
    });
    assert_eq!(found, [1]);
}

#[test]
fn bodies_end_where_a_clause_begins() {
    let values = value!(all of {
        a = if true { 1 } else { 2 } @ 3;
        b = Point { x: a, y: 2 } @ 1 via 2;
        c = { a + b.x } via { a: 1, b: 2.5 } @ 4;
        d = a as f64 @ 5;
        e = (1..) .take(2).collect::<Vec<i64>>() @ 1;
        f = match a { 1 => 'x', _ => 'y' } retry 1;
        g = (0..3).map(|x| x + a).max() @ 2 via 1;
        h = a.. via 1;
        all = (c, d as i64, e, f, g, h.start);
    });
    assert_eq!(values, (2, 1, vec![1, 2], 'x', Some(3), 1));
}

#[test]
fn generic_functions_are_called() {
    fn pair<T: Clone>(x: &T) -> (T, T) {
        (x.clone(), x.clone())
    }
    assert_eq!(
        value!(b of { a = vec![1]; b = pair::<Vec<i64>>(&a); }),
        (vec![1], vec![1])
    );
    assert_eq!(
        value!(b of { a = 3; b = <i64 as Into<i128>>::into(add(a, 1)); }),
        4
    );
    assert_eq!(
        value!(b of { a = 3; b = i64::pow(a, 2) + i64::from(1_u8); }),
        10
    );
}

#[test]
fn unsafe_and_nested_blocks_are_bodies() {
    #[allow(unsafe_code, reason = "this is what is tested")]
    let b = value!(b of { a = 65; b = { unsafe { char::from_u32_unchecked(a) } }; });
    assert_eq!(b, 'A');
}

#[test]
fn unit_is_a_result() {
    assert_eq!(
        value!(b of { a = { println!("from a task"); }; b = (a, ()); }),
        ((), ())
    );
}

#[test]
fn outer_braces_and_endless_bodies_are_silent() {
    let n = 1;
    let outcome = ampeg::graph! {
        a = { n + 1 } @ { 2 };
        b = (a + 1) @ (n) via { n };
        c = panic!("on purpose");
        d: i64 = { todo!() };
        e = square(f);
        f = unimplemented!("of the type that others expect");
    };
    let outcome = outcome.everywhere();
    assert_eq!((&outcome.a, &outcome.b), (&Ok(2), &Ok(3)));
    let _: (&Result<(), _>, &Result<i64, _>) = (&outcome.c, &outcome.f);
    assert!(outcome.c.is_err() && outcome.d.is_err() && outcome.e.is_err());
}
