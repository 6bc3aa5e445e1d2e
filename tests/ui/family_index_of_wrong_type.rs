use ampeg::graph;

fn main() {
    let name = "a";
    let ranges = [0..2, 1..3];
    graph! {
        x[i in 0..3] = i;
        y = x[1.5];
        z = x[name];
        w = x[ranges[0]];
        u[i in "abc".chars()] = 1;
        v[i in name] = i;
        t[i in 0.5..3.0] = 2;
        s = x[..1.5];
    };
}
