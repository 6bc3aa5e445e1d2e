use ampeg::graph;

fn main() {
    graph! {
        a = String::from("text");
        b = a.as_str();
        c = b.len();
    };
}
