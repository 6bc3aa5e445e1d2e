use ampeg::graph;

#[derive(serde::Serialize, serde::Deserialize)]
struct Once(i64);

fn consume(once: Once) -> i64 {
    once.0
}

fn main() {
    graph! {
        a = Once(1);
        b = consume(a);
        c = consume(a);
    };
}
