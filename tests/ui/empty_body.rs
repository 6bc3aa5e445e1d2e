use ampeg::graph;

fn main() {
    graph! {
        a = ;
        b = @ 10;
        c = 1 + @ 10;
    };
}
