use ampeg::graph;

fn main() {
    graph! {
        a = 1 @ "ten";
        b = a retry "once";
        c = b within "1 s";
        part[i in 0..3] = i @ "ten" within [i] retry 2.5;
    };
}
