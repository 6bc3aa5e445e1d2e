use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ 2 retry 1 @ 3;
    };
}
