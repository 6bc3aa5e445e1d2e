use ampeg::graph;

fn add(x: i64, y: i64) -> i64 {
    x + y
}

// a → c → d → a
fn main() -> Result<(), ampeg::Error> {
    let graph = graph! {
        a = add(1, d) @ 1;
        b = add(1, 2) @ 1;
        c = add(a, b) @ 1;
        d = add(c, 1) @ 1;
        e = add(d, b) @ 1;
    };
    let outcome = graph.run_inline()?;
    assert_eq!(outcome.e, Ok(3));
    Ok(())
}
