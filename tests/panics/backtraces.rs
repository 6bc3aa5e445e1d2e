//! With `RUST_BACKTRACE=1` the backtrace of a task's panic is printed.

use crate::isolated::as_program;
use ampeg::{Pool, graph};

#[inline(never)]
fn fails_deep_inside() -> i32 {
    panic!("deep inside")
}

#[test]
fn backtrace_is_printed_if_it_is_asked_for() {
    for (engine, backtrace) in [
        ("processes", "1"),
        ("threads", "1"),
        ("inline", "full"),
        ("processes", "0"),
        ("inline", "0"),
    ] {
        as_program(
            || {
                let graph = graph! { a = fails_deep_inside(); };
                let outcome = match std::env::var("ENGINE").unwrap().as_str() {
                    "processes" => graph.run(1),
                    "inline" => graph.run_inline(),
                    _ => Pool::builder().threads(1).build().unwrap().run(&graph),
                };
                assert!(outcome.unwrap().a.is_err());
            },
            |command| {
                _ = command
                    .env("ENGINE", engine)
                    .env("RUST_BACKTRACE", backtrace);
            },
            |written| {
                assert!(written.status.success(), "{written}");
                let text = &written.stderr;
                let is_there =
                    text.contains("stack backtrace:") && text.contains("fails_deep_inside");
                assert_eq!(is_there, backtrace != "0", "{engine}\n{written}");
                assert!(is_there || !text.contains("deep inside"), "{written}");
            },
        );
    }
}
