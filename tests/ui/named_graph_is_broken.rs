use ampeg::graph;

graph! {
    pub fn fit(xs: &[f64]) -> Fit {
        a = b;
        b = a;
        pub mean: f64 = xs[0] + unknown;
    }
}

fn main() {
    let fit = fit(&[1.0]).run(1).unwrap().into_values().unwrap();
    println!("{}", fit.mean);
}
