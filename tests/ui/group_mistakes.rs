use ampeg::graph;

fn main() {
    graph! {
        left: {
            alpha = 1;
            beta = 2;
        }
        shard[i in 0..2]: {
            gamma = i;
        }
        a = left;
        b = left.alhpa;
        c = left[0].alpha;
        d = shard[0][1].gamma;
        e = format!("{left}");
    };
}
