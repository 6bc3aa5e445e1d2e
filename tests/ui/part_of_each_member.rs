use ampeg::graph;

#[derive(serde::Serialize, serde::Deserialize)]
struct Once(i64);

#[derive(serde::Serialize, serde::Deserialize)]
struct Fit {
    slope: f64,
    once: Once,
}

fn index() -> usize {
    1
}

fn main() {
    graph! {
        row[i in 0..3] = vec![i, i + 1];
        fit[_i in 0..3] = Fit { slope: 0.5, once: Once(1) };
        k = 1_usize;
        task = row[..][k];
        local = (0..2).map(|j| row[..][j].len()).sum::<usize>();
        call = row[..][index()];
    };
    graph! {
        fit[_i in 0..3] = Fit { slope: 0.5, once: Once(1) };
        missing = fit[..].slop;
        unclonable = fit.once;
    };
}
