use ampeg::graph;

fn main() {
    graph! {
        part[i in 0..3] = i * 2;
        total = part.len();
    };
}
