use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}

fn main() {
    graph! {
        a square(3);
        let b = square(4);
        c: i64 == square(5);
    };
}
