//! The language of `graph!`, feature by feature, on short programs.

use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}
fn half(x: i64) -> i64 {
    x / 2
}
fn add(x: i64, y: i64) -> i64 {
    x + y
}
fn mul(x: i64, y: i64) -> i64 {
    x * y
}
fn sub(x: i64, y: i64) -> i64 {
    x - y
}

#[test]
fn six_tasks() {
    let pythagoras = graph! {
        a = square(3) @ 10.8;
        b = square(4) @ 10.8;
        h = half(10)  @ 11;
        c = add(a, b) @ 10.7 via 1;
        d = mul(a, h) @ 10.8 via 1;
        e = sub(c, d) @ 10.9 via 1;
    };
    let outcome = pythagoras.run_inline().unwrap();
    assert_eq!(outcome.e, Ok(-20));
}
