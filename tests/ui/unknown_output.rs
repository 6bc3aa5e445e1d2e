use ampeg::graph;

fn main() -> Result<(), ampeg::Error> {
    let graph = graph! {
        hidden = 1;
        pub total = hidden + 1;
    };
    let outcome = graph.run_inline()?;
    println!("{:?} {:?}", outcome.totl, outcome.hidden);
    Ok(())
}
