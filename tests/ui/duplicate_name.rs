use ampeg::graph;

fn main() {
    let graph = graph! {
        a = 1;
        b = a + 1;
        a = 2;
    };
    graph.run_inline().unwrap().into_values().unwrap();
}
