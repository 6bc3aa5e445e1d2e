use ampeg::graph;

fn main() {
    graph! {
        x[i in 0..3, i in 0..2] = i;
        y[x in 0..3] = x;
        z[0..3] = 1;
        v[] = 1;
        shard[i in 0..3]: {
            part[i in 0..2] = i;
        }
    };
}
