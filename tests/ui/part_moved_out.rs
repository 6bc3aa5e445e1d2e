use ampeg::graph;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Table {
    name: String,
    rows: Vec<f64>,
}

fn main() {
    graph! {
        table = Table { name: "a".into(), rows: vec![1.0] };
        moved = table.name;
        consumed = table.rows.into_iter().count();
        changed = table.rows.push(2.0);
    };
}
