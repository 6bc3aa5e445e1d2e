use ampeg::graph;

fn main() {
    let twice = |x: i64| x * 2;
    graph! {
        a = twice(1);
        b = a + 1;
    };
}
