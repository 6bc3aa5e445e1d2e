use ampeg::graph;

fn main() {
    graph! {
        x[i in 0..3] = {
            i += 1;
            i
        };
    };
}
