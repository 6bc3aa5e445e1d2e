use ampeg::graph;

fn main() {
    let n = 3;
    graph! {
        a = 1 @ n;
        b = a + 1 @ a via n + a.abs() within a;
    };
}
