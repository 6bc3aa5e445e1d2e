use ampeg::graph;

fn count(text: &str) -> usize {
    let list = vec![text];
    let graph = graph! {
        n = list.len();
    };
    graph.run(2).unwrap().into_values().unwrap().n
}

fn main() {
    count("one");
}
