//! Captured names: serialized where the graph is declared, whatever their type.

use crate::{Everywhere, Point, add, both, square, sum, value};
use ampeg::graph;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::Path;

const OFFSET: i64 = 100;
static TABLE: [i64; 2] = [7, 8];

#[test]
fn values_are_copied_and_stay_usable() {
    let (n, data, point) = (3, vec![1, 2, 3], Point { x: 1, y: 2 });
    let values = graph! {
        a = square(n) + OFFSET + TABLE[1];
        b = sum(&data) + data[0] + n;
        c = { let mut copy = data; copy.push(n); copy };
        d = add(point.x, point.y);
        e = Point { x: n, ..point };
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, values.b, values.d), (117, 10, 3));
    assert_eq!(
        (values.c, values.e),
        (vec![1, 2, 3, 3], Point { x: 3, y: 2 })
    );
    assert_eq!((data.len(), point.x, n), (3, 1, 3));
}

#[test]
fn references_texts_and_slices_are_captured() {
    let data = vec![1, 2, 3];
    let (slice, text, whole, path) = (&data[1..], "some text", &data, Path::new("a/b"));
    let values = graph! {
        a = sum(slice) + sum(&slice[1..]);
        b = text.len() + text[..4].len() + text.split(' ').count();
        c = sum(whole) + whole[0];
        d = path.components().count();
        e = text.to_owned();
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, values.b, values.c, values.d), (8, 15, 7, 2));
    assert_eq!(values.e, "some text");
}

#[test]
fn references_and_values_are_captured_together() {
    let (text, n, data) = ("some text", 3, vec![1, 2]);
    let (slice, twice) = (&data[..], |x: usize| 2 * x);
    let values = graph! {
        a = text.len() + n;
        b = slice.iter().copied().map(|x| x + a).map(twice).collect::<Vec<_>>();
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, values.b), (12, vec![26, 28]));
}

#[test]
fn static_texts_are_sent_inside_other_values() {
    let (names, pairs, some) = (["a", "bc"], vec![("k", 1), ("l", 2)], Some("x"));
    let slice = &names[..];
    let values = graph! {
        a = names[1].len() + names.len();
        b = pairs.iter().map(|(name, n)| format!("{name}{n}")).collect::<String>();
        c = (some, names[a % 2]);
        d = slice.join("-");
        e = vec![c; 2];
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, &*values.b, &*values.d), (4, "k1l2", "a-bc"));
    assert_eq!(values.e, [(Some("x"), "a"); 2]);
}

fn apply_to<F: Fn(i64) -> i64>(f: F, x: i64) -> i64 {
    f(x)
}

#[test]
fn fn_pointers_are_captured() {
    #[derive(Clone, Copy)]
    struct Steps {
        first: fn(&[i64]) -> Option<&i64>,
    }
    fn map<T, R>(xs: &[T], f: fn(&T) -> R) -> Vec<R>
    where
        T: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + Clone + Debug + 'static,
    {
        let n = xs.len();
        both!(graph! { pub out[i in 0..n] = (f)(&xs[i]); }).out
    }
    assert_eq!(map(&[1, 2], |x: &i64| x * 2), [2, 4]);
    assert_eq!(map(&["a".to_owned()], String::len), [1]);
    let steps = Steps {
        first: <[i64]>::first,
    };
    let sqrt: fn(f64) -> f64 = f64::sqrt;
    let values = both!(graph! {
        a = (steps.first)(&[7, 8]).copied();
        b = [4.0, 9.0].map(sqrt);
        c = (sqrt)(16.0) + (&sqrt)(4.0);
        d = (0..2).map(|_| (sqrt)(1.0)).sum::<f64>();
    });
    assert_eq!((values.a, values.b), (Some(7), [2.0, 3.0]));
    assert_eq!((values.c, values.d), (6.0, 2.0));
}

#[test]
fn functions_of_twelve_arguments_are_captured() {
    #[rustfmt::skip]
    #[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "it is about the number")]
    fn last(_: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, l: u8) -> u8 {
        l
    }
    #[rustfmt::skip]
    #[allow(clippy::type_complexity, reason = "it is about the number")]
    fn call(f: impl Fn(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8) -> u8) -> u8 {
        f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    }
    assert_eq!(both!(graph! { a = call(last); }).a, 12);
}

mod foreign {
    pub(super) extern "C" fn double(x: i64) -> i64 {
        2 * x
    }
}

#[test]
fn functions_of_other_languages_are_named_by_their_path() {
    let values = both!(graph! {
        a = Some(foreign::double).map(|f| f(4));
        b = foreign::double(a.unwrap_or(0));
    });
    assert_eq!((values.a, values.b), (Some(8), 16));
}

#[test]
fn functions_and_closures_without_captures_are_captured() {
    let twice = |x: i64| x * 2;
    let values = graph! {
        a = [1, 2].into_iter().map(square).map(twice).sum::<i64>();
        b = apply_to(twice, 4) + apply_to(square, 2);
        c = (twice)(1);
    };
    let values = values.everywhere().into_values().unwrap();
    assert_eq!((values.a, values.b, values.c), (10, 12, 2));
}

struct Config {
    n: i64,
    items: Vec<i64>,
    /// A type that cannot be serialized. It need not be, if no body names a value of it.
    #[allow(dead_code, reason = "stands for a handle")]
    handle: std::thread::ThreadId,
}

impl Config {
    fn new() -> Self {
        Self {
            n: 2,
            items: vec![5, 6],
            handle: std::thread::current().id(),
        }
    }

    fn total(&self) -> i64 {
        value!(b of { a = square(self.n); b = a + self.items[1] + self.items.iter().sum::<i64>(); })
    }
}

#[test]
fn fields_are_captured_alone() {
    let config = Config::new();
    assert_eq!(config.total(), 21);
    assert_eq!(
        value!(a of { a = config.items.len() as i64 + config.n + config.n; }),
        6
    );
}

#[derive(Serialize, serde::Deserialize)]
struct Scale {
    by: i64,
}

impl Scale {
    fn of(&self, x: i64) -> i64 {
        x * self.by
    }

    fn all(&self, xs: &[i64]) -> Vec<i64> {
        let graph = graph! { a = xs.iter().map(|&x| self.of(x)).collect::<Vec<_>>(); b = self.of(1) + a[0] + self.by; };
        let values = graph.everywhere().into_values().unwrap();
        assert_eq!(values.b, 3 * self.by);
        values.a
    }
}

#[test]
fn whole_self_is_captured() {
    assert_eq!(Scale { by: 3 }.all(&[1, 2]), [3, 6]);
}

fn largest<T>(items: &[T], least: &T) -> T
where
    T: Serialize + DeserializeOwned + Clone + Ord + Debug + 'static,
{
    fn pick<T: Ord>(left: T, right: T) -> T {
        left.max(right)
    }
    let graph = graph! {
        first = items.iter().max().cloned();
        second = pick(first.unwrap_or(least.clone()), least.clone());
    };
    graph.everywhere().into_values().unwrap().second
}

#[test]
fn generic_functions_may_hold_graphs() {
    assert_eq!(largest(&[3, 9, 4], &5), 9);
    assert_eq!(largest(&["a".to_owned()], &"b".to_owned()), "b");
}

/// Returns the value. The bound of results is enough for captures, too.
fn same<T: ampeg::TaskValue + Clone + Debug>(item: &T) -> T {
    let item = item.clone();
    let graph = graph! { copy = item; };
    graph.everywhere().into_values().unwrap().copy
}

#[test]
fn values_of_a_generic_type_that_can_be_sent_are_captured() {
    assert_eq!(same(&"a".to_owned()), "a");
}

#[test]
fn task_hides_a_variable_of_its_name() {
    let n = 1;
    assert_eq!(value!(m of { n = square(4); m = n + 1; }), 17);
    assert_eq!(n, 1);
}

#[test]
fn captured_value_is_that_of_the_declaration() {
    let mut n = 1;
    let graph = graph! { a = n + 1; };
    n += 10;
    assert_eq!((graph.everywhere().a.clone(), n), (Ok(2), 11));
}
