use ampeg::graph;

fn main() {
    graph! {
        left: {
            a = 1;
        }
        left: {
            b = 2;
        }
        right = 1;
        pub right: {
            c = 3;
        }
    };
}
