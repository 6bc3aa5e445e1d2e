use ampeg::graph;

fn main() {
    graph! {
        #[inline]
        a = 1;
        pub(crate) b = 2;
    };
}
