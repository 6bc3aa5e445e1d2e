use ampeg::graph;

fn main() {
    graph! {
        retry = 1;
    };
}
