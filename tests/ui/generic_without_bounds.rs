use ampeg::graph;

// The message names a bound that is sufficient.
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
