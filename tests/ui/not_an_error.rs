use ampeg::graph;

fn find(n: i64) -> Option<i64> {
    Some(n)
}

fn check(n: i64) -> Result<i64, i64> {
    Ok(n)
}

fn main() {
    graph! {
        a = find(1)?;
        b = check(2)?;
    };
}
