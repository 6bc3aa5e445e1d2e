use ampeg::graph;

graph! {
    pub fn fit(xs: &[f64], n: usize) -> Fit {
        pub mean = xs.iter().sum::<f64>() / n as f64;
        pub part[i in 0..n] = xs[i];
        part_of = 2;
    }
}

fn main() {
    let fit = fit(&[1.0], 1).run(1).unwrap().into_values().unwrap();
    println!("{} {:?}", fit.mean, fit.part);
}
