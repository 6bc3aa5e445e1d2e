use ampeg::graph;

fn main() {
    graph! {
        left: {
            a = 1
        }
        right: {
            b = 2 + 2,
            c = 3 @ 4
        };
        total = left.a
    };
}
