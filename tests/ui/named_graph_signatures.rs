use ampeg::graph;

graph! {
    fn no_values(x: i64) { pub y: i64 = x; }
}

graph! {
    fn pattern((x, y): (i64, i64)) -> Pattern { pub z: i64 = x + y; }
}

graph! {
    async fn waits(x: i64) -> Waits { pub z: i64 = x; }
}

graph! {
    fn method(&self) -> Method { pub z: i64 = self.x; }
}

graph! {
    fn tuple(x: i64) -> (i64, i64) { pub z: i64 = x; }
}

graph! {
    fn path(x: i64) -> crate::Path { pub z: i64 = x; }
}

fn main() {
    let _ = graph! { -> i64 z = 1; };
    let _ = graph! { -> &Values; z = 1; };
}
