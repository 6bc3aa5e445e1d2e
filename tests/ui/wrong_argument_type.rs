use ampeg::graph;

fn square(x: i64) -> i64 {
    x * x
}

fn name(x: i64) -> String {
    x.to_string()
}

fn main() {
    let n = 3_u8;
    graph! {
        a = square(3);
        b = name(a);
        c = square(b);
        d = square(&a);
        e = square(n);
    };
}
