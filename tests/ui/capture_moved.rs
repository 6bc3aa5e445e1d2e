use ampeg::graph;

fn main() {
    let file = std::fs::File::open("data").unwrap();
    graph! {
        n = file.metadata()?.len();
    };
}
