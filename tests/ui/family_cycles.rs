use ampeg::graph;

fn main() {
    let n = 3;
    graph! {
        x[i in 0..n] = x[i] + 1;
    };
    graph! {
        y[0] = 1;
        y[i in 1..n] = y.len() + i;
    };
    graph! {
        shard[i in 0..n]: {
            a = b + 1;
            b = a + i;
        }
    };
    graph! {
        first[i in 0..n] = all.len() + i;
        all = first[0];
    };
}
