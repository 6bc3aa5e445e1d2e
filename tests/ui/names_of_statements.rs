use ampeg::graph;

fn main() {
    graph! {
        type = 1;
        a => 2;
        b == 3;
        task!(c);
        super = 4;
    };
}
