//! Macros in bodies: names are found in common macros, and tasks' names count as uses in others.

use crate::value;
use ampeg::{TaskError, graph};

macro_rules! pair {
    ($x:expr => $y:expr) => {
        ($x, $y)
    };
}

macro_rules! total {
    ($($x:expr),*) => { 0 $(+ $x)* };
}

macro_rules! say {
    ($text:literal) => {
        format!($text)
    };
}

macro_rules! record {
    ({ $($key:literal : $value:tt),* }) => { vec![$(($key.to_owned(), $value.to_string())),*] };
}

#[test]
fn format_strings_name_tasks_and_captures() {
    let (x, width) = (2.5, 6);
    let text = value!(b of {
        a = vec![1, 2];
        n = 3;
        b = format!("{a:?} {} {n:>width$} {0} {x:.n$} {{a}} {z}", a.len(), z = n + 1);
    });
    assert_eq!(text, "[1, 2] 2      3 2 2.500 {a} 4");
}

#[test]
fn writing_and_asserting_macros() {
    let text = value!(c of {
        a = 3;
        b = "b".to_owned();
        c = {
            use std::fmt::Write;
            let mut out = String::new();
            write!(out, "{a}")?;
            writeln!(&mut out, " {b} {}", &b)?;
            assert!(a > 2, "{a} is too small for {b}");
            assert_eq!(a, 3, "{b}");
            assert_ne!(b, "");
            debug_assert!(matches!(a, 1..=3 if !b.is_empty()));
            if a > 4 { panic!("{a}") } else if a > 5 { unreachable!("{b}") }
            out
        };
    });
    assert_eq!(text, "3 b b\n");
}

#[test]
fn lists_take_values() {
    let values = value!(d of {
        a = "a".to_owned();
        b = vec![a, "b".to_owned()];
        c = vec![b; 2];
        d = (matches!(c.first(), Some(b) if b.len() == 2), c.len());
    });
    assert_eq!(values, (true, 2));
}

#[test]
fn unknown_macros_see_tasks() {
    let n = 4;
    let values = value!(all of {
        a = 1;
        b = 2;
        c = pair!(a => b + 1);
        d = total!(a, b, n);
        e = say!("{a} and {b}");
        f = record!({ "a": a, "b": b });
        all = (c, d, e, f);
    });
    let record = vec![
        ("a".to_owned(), "1".to_owned()),
        ("b".to_owned(), "2".to_owned()),
    ];
    assert_eq!(values, ((1, 3), 7, "1 and 2".to_owned(), record));
}

#[test]
fn graph_may_stand_in_a_body() {
    let value = value!(b of {
        a = 3;
        b = ampeg::graph! { c = a + 1; d = c * 2; }.run_inline()?.d.clone()?;
    });
    assert_eq!(value, 8);
}

#[test]
fn failed_assertion_is_reported_as_written() {
    let limit = 3;
    let graph = graph! {
        a = (vec![1, 2], 5);
        field = { assert!(a.1 < limit); a.0[1] };
        whole = { let all = &a; assert!(all.1 < 3 && a.0[0] == 1,); 1 };
        message = { assert!(a.0[1] > 2, "{} is {}", 2, a.0[1]); 2 };
        holds = { debug_assert!(a.0.contains(&1)); 3 };
    };
    let outcome = graph.run(2).unwrap();
    let text = |error: &TaskError| error.to_string();
    let field = text(outcome.field.as_ref().unwrap_err());
    assert!(field.ends_with("assertion failed: a.1 < limit"), "{field}");
    let whole = text(outcome.whole.as_ref().unwrap_err());
    assert!(
        whole.ends_with("assertion failed: all.1 < 3 && a.0[0] == 1"),
        "{whole}"
    );
    assert!(text(outcome.message.as_ref().unwrap_err()).ends_with("2 is 2"));
    assert_eq!(outcome.holds, Ok(3));
}
