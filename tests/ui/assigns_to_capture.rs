use ampeg::graph;

fn main() {
    let mut k = 1;
    graph! {
        a = { k += 1; k };
        b = { a[0] = 2; a };
    };
    k += 1;
    println!("{k}");
}
