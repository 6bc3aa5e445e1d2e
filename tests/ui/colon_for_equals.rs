use ampeg::graph;

fn main() {
    graph! {
        a: 1;
        b: a + 1 @ 2;
        c: 3 = 1;
    };
}
