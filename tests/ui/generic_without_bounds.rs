use ampeg::graph;

// It names a bound that is enough.
fn bounded<T: ampeg::messages::Capture>(x: T) {
    graph! {
        a = x;
    };
}

fn unbounded<T>(x: T) {
    graph! {
        a = vec![x];
    };
}

fn main() {
    bounded(1);
    unbounded(1);
}
