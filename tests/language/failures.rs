//! `?` and panics in bodies.

use crate::Everywhere;
use ampeg::{TaskErrorKind, graph};

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is broken")
    }
}

impl std::error::Error for Broken {}

#[test]
fn question_mark_fails_the_task() {
    let outcome = graph! {
        a: i64 = "x".parse()?;
        b: i64 = Err("plain text")?;
        c: i64 = Err(Broken)?;
        d = { if a > 0 { Err("never".to_owned())? } 1 };
        e: i64 = "7".parse::<i64>()?;
    };
    let outcome = outcome.everywhere();
    let message = |error: &ampeg::TaskError| match error.kind() {
        TaskErrorKind::Failed { message, .. } => message.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(
        message(outcome.a.as_ref().unwrap_err()),
        "invalid digit found in string"
    );
    assert_eq!(message(outcome.b.as_ref().unwrap_err()), "plain text");
    assert_eq!(message(outcome.c.as_ref().unwrap_err()), "it is broken");
    assert!(matches!(
        outcome.d.as_ref().unwrap_err().kind(),
        TaskErrorKind::DependencyFailed { .. }
    ));
    assert_eq!(outcome.e, Ok(7));
}

#[test]
fn panic_fails_the_task() {
    let outcome = graph! {
        a = if true { panic!("no luck") } else { 1 };
        b = a + 1;
    };
    let error = outcome.everywhere().into_values().unwrap_err();
    assert!(error.to_string().contains("no luck"), "{error}");
}
