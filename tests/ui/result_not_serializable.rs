use ampeg::graph;

struct Handle(i64);

fn open(n: i64) -> Handle {
    Handle(n)
}

fn main() {
    graph! {
        a = open(1);
        b = a.0;
    };
}
