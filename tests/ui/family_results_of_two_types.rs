use ampeg::graph;

fn main() {
    graph! {
        x[0] = 1_u8;
        x[i in 1..3] = "b".to_owned();
    };
}
