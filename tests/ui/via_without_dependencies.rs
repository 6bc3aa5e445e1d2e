use ampeg::graph;

fn main() {
    let n = 1;
    graph! {
        a = n + 1 via 2;
    };
}
