use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}

fn main() {
    graph! {
        a = sqaure(3);
        b = square(c);
        d = a + b;
    };
}
