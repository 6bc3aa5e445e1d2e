use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ 2 whitin 3;
        b = a cost 3;
        c = b + 1 "text";
    };
}
