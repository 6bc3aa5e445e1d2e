use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ -10.5;
        b = a @ 1e999;
        c = b @ 1 via -2;
        d = c retry 1.5;
    };
}
