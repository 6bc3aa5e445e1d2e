//! Failures are values: the error, its location, and the tasks that were skipped.
//!
//! ```text
//!    good        bad         worse
//!      │ └────┐ ┌─┘            │
//!      │      both          spared
//!    double
//! ```
//!
//! Run it with `cargo run --release --example failures`.

use ampeg::{TaskErrorKind, graph};

fn number(text: &str) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

fn first(list: &[i64]) -> i64 {
    list[0]
}

fn main() -> Result<(), ampeg::Error> {
    let numbers = graph! {
        good = number("21")?;
        bad = number("twenty-one")?;
        worse = first(&Vec::new());
        double = good * 2;
        both = good + bad;
        spared = worse + 1;
    };
    let outcome = numbers.run(2)?;

    // A task that does not depend on a failure has its value.
    assert_eq!(outcome.double, Ok(42));

    // An error that `?` returned, with its sources.
    let error = outcome.bad.as_ref().expect_err("it is no number");
    println!("{error}");
    assert!(matches!(error.kind(), TaskErrorKind::Failed { .. }));

    // A panic.
    let error = outcome.worse.as_ref().expect_err("the list is empty");
    println!("{error}");
    assert!(matches!(error.kind(), TaskErrorKind::Panicked { .. }));

    // A task that could not run, with the error of the task that failed first.
    let error = outcome.both.as_ref().expect_err("`bad` is missing");
    println!("{error}");
    assert!(matches!(
        error.kind(),
        TaskErrorKind::DependencyFailed { .. }
    ));
    assert_eq!(error.root().task(), "bad");

    // All values at once, or the first failure.
    let error = outcome.into_values().expect_err("not all have one");
    assert_eq!(error.task(), "bad");
    Ok(())
}
