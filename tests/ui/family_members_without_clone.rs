use ampeg::graph;

fn main() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Big(Vec<f64>);
    graph! {
        big[i in 0..3] = Big(vec![0.5; i]);
        list = big.len();
        one = big[1];
    };
}
