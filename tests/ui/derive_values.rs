use ampeg::Values;

#[derive(Values)]
enum Choice {
    A,
}

#[derive(Values)]
struct Tuple(f64);

#[derive(Values)]
struct Borrows<'a> {
    text: &'a str,
}

#[derive(Values)]
struct Families {
    #[values(family)]
    list: f64,
    #[values(family = 2)]
    table: Vec<f64>,
    #[values(families)]
    other: Vec<f64>,
    #[values(family = "two")]
    text: Vec<f64>,
}

fn main() {}
