//! Under `cargo test`, the output of tasks belongs to the test that runs them.

use crate::isolated::as_program;
use ampeg::{Pool, graph};

#[test]
fn output_of_tasks_is_captured_with_that_of_the_test() {
    let body = || {
        let graph = graph! {
            a = { println!("out of a task"); 1 };
            b = { eprintln!("err of a task"); 1 };
        };
        assert!(graph.run(2).unwrap().into_values().is_ok());
        println!("own line");
        let pool = Pool::new(1).unwrap();
        let run = pool.start(&graph! { a = { println!("out of a started run"); 1 }; });
        assert_eq!(run.unwrap().wait().unwrap().a, Ok(1));
        println!("last line");
    };
    let prepare = |command: &mut std::process::Command| {
        command
            .env_remove("RUST_TEST_NOCAPTURE")
            .arg("--show-output");
    };
    as_program(body, prepare, |written| {
        assert!(written.status.success(), "{written}");
        let captured = written.stdout.split_once("stdout ----\n");
        let (_, captured) = captured.unwrap_or_else(|| panic!("{written}"));
        let place = |line: &str| {
            let place = captured.lines().position(|other| other == line);
            place.unwrap_or_else(|| panic!("{line}\n{written}"))
        };
        assert!(place("out of a task") < place("own line"));
        assert!(place("err of a task") < place("own line"));
        assert!(place("own line") < place("out of a started run"));
        assert!(place("out of a started run") < place("last line"));
        assert!(!written.stderr.contains("of a task"), "{written}");
    });
}
