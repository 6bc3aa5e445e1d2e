#![deny(unused)]

use ampeg::graph;

fn main() {
    let graph = graph! {
        a = 1;
        forgotten = a + 1;
        pub b = a + 2;
    };
    let _ = graph.run_inline().unwrap();
}
