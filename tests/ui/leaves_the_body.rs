use ampeg::graph;

async fn number() -> i64 {
    1
}

fn main() {
    'all: for i in 0..3 {
        graph! {
            a = if i > 1 { continue } else { 2 };
            b = loop {
                if a > 1 {
                    break 'all;
                }
                break a;
            };
            c = number().await + b;
            d = c.missing();
        };
    }
}
