use ampeg::graph;

fn main() {
    graph! {
        part[i in 0..3] = i * 2;
        k = 1;
        chosen = part[k];
        each = (0..3).map(|j| part[j]).sum::<i32>();
        fallible = part["1".parse::<usize>()?];
        count[i in 0..k] = i;
    };
}
