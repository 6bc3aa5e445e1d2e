use ampeg::graph;

fn main() {
    graph! {
        a = vec![1, 2];
        b = a.into_iter().sum::<i64>();
        c = a.push(3);
    };
}
