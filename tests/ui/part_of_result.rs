use ampeg::graph;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Table {
    name: String,
    rows: Vec<f64>,
}

fn main() {
    let first = 0_i32;
    graph! {
        table = Table { name: "a".into(), rows: vec![1.0] };
        unknown = table.row[0];
        index = table.rows[first] + table.rows[1];
    };
}
