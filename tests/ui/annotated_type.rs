use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}

fn main() {
    graph! {
        a: f64 = square(3);
    };
}
