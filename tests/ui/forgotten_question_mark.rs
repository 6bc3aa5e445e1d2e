// If the value of a task is a `Result`, its `Err` is not a failure of the task.
use ampeg::graph;

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|error| format!("{error:?}"))
}

fn main() {
    let all = ["1", "x"];
    let _graph = graph! {
        a = number("x") retry 3;
        b = number("2")?;
        meant: Result<i64, String> = number("x");
        family[i in 0..2] = if i == 0 { number(all[i]) } else { Ok(0) };
    };
}
