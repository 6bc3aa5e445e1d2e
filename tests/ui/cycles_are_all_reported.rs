use ampeg::graph;

fn main() {
    graph! {
        a = a + 1;
        b = c + 1;
        c = b + 1;
        d = vec![e];
        e = d.len();
    };
}
