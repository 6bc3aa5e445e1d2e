use ampeg::graph;

fn main() {
    graph! {
        a = Vec::new();
    };
}
