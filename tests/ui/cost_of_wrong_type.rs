use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ "ten";
        b = a retry "once";
    };
}
