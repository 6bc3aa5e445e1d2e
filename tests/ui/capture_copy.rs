use ampeg::graph;

#[derive(Clone, Copy)]
struct Handle(i64);

fn main() {
    let handle = Handle(1);
    graph! {
        a = handle.0 + 1;
        b = Some(handle).map(|it| it.0);
    };
}
