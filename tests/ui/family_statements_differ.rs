use ampeg::graph;

fn main() {
    graph! {
        x[0] = 1;
        x[i in 1..3, j in 0..2] = i + j;
        pub y[0]: u8 = 1;
        y[i in 1..3]: u8 = 2;
        pub z[0]: u8 = 1;
        pub z[i in 1..3]: u16 = 2;
        w = 1;
        w[i in 0..2] = i;
    };
}
