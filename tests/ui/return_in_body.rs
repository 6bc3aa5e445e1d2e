use ampeg::graph;

fn main() {
    let n = 3;
    graph! {
        a = {
            if n > 2 {
                return 1;
            }
            2
        };
    };
}
