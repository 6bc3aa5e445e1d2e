use ampeg::graph;

fn main() -> Result<(), ampeg::Error> {
    let outcome = graph! {
        alpha = 1;
        beta = 2;
        gamma = alpha + beta via { alpah: 1, delta: 2 };
    }
    .run_inline()?;
    assert_eq!(outcome.gamma, Ok(3));
    Ok(())
}
