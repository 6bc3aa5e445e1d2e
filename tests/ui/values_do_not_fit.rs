use ampeg::{Graph, Values, graph};

#[derive(Values)]
struct Fit {
    line: f64,
    errors: Vec<f64>,
}

fn missing(x: f64) -> Graph<Fit> {
    graph! { -> Fit; line = x; }
}

fn unknown(x: f64) -> Graph<Fit> {
    graph! { -> Fit; lines = x; line = x; errors = vec![x]; }
}

fn wrong_type(x: f64) -> Graph<Fit> {
    graph! { -> Fit; line = x as i32; errors = vec![x]; }
}

fn family(x: f64) -> Graph<Fit> {
    graph! { -> Fit; line = x; errors[i in 0..2] = x + f64::from(i); }
}

fn group(x: f64) -> Graph<Fit> {
    graph! { -> Fit; line = x; errors: { a = x; } }
}

fn not_derived(x: f64) -> Graph<String> {
    graph! { -> String; line = x; }
}

fn main() {
    let _ = (missing(1.0), unknown(1.0), wrong_type(1.0), family(1.0), group(1.0), not_derived(1.0));
}
