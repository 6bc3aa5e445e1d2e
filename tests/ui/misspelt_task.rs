use ampeg::graph;

fn main() {
    graph! {
        total = 1;
        b = totl + 1;
    };
}
