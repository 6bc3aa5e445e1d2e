use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ 2,
        b = a + 1,
    };
}
