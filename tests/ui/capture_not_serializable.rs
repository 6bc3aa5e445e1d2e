use ampeg::graph;

struct Handle(i64);

fn read(handle: &Handle) -> i64 {
    handle.0
}

fn main() {
    let handle = Handle(1);
    graph! {
        a = read(&handle);
        b = read(&handle) + a;
    };
}
