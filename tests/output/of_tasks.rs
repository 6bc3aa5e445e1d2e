//! Output that is tagged with the names of tasks, or captured.

use crate::isolated::{as_program, isolated, isolated_with};
use ampeg::{ErrorKind, Graph, Output, Pool, graph};
use std::io::Write;

fn write_lines(name: &str, index: usize) -> usize {
    for line in 0..20 {
        // In pieces, as most programs write.
        print!("out {name} {index} ");
        println!("{line}");
        eprint!("err {name} {index} ");
        eprintln!("{line}");
    }
    print!("incomplete {name} {index}");
    index
}

fn aborts() -> u8 {
    eprintln!("the pump is dry");
    print!("incomplete crash 0");
    std::io::stdout().flush().unwrap();
    std::process::abort()
}

ampeg::graph! {
    /// Many short tasks, whose output is read in large pieces.
    pub fn noisy(n: usize) -> Noisy {
        pub part[i in 0..n]: usize = write_lines("part", i);
        pub next[i in 0..n]: usize = write_lines("next", part[i]);
    }
}

fn is_of(line: &str, name: &str) -> bool {
    let mut words = line.split(' ').skip(1);
    let (family, index) = (words.next().unwrap(), words.next().unwrap());
    name == format!("{family}[{index}]")
}

#[test]
fn each_line_has_the_name_of_its_task() {
    as_program(
        || {
            println!();
            assert!(noisy(40).run(3).unwrap().into_values().is_ok());
            let outcome = graph! { crash = aborts() retry 1; }.run(1).unwrap();
            assert!(outcome.crash.is_err());
            println!("out of the caller");
        },
        |command| {
            command.env("AMPEG_OUTPUT", "tagged");
        },
        |written| {
            assert!(written.status.success(), "{written}");
            let mut counts = [0; 4];
            for line in written.stdout.lines().chain(written.stderr.lines()) {
                let Some((name, line)) = line.strip_prefix('[').and_then(|it| it.split_once("] "))
                else {
                    assert!(!line.contains("part") && !line.contains('\x1e'), "{line:?}");
                    continue;
                };
                let kinds = ["out ", "err ", "incomplete ", "the pump is dry"];
                let kind = kinds
                    .iter()
                    .position(|kind| line.starts_with(kind))
                    .unwrap();
                counts[kind] += 1;
                assert!(name == "crash" || is_of(line, name), "{name}: {line}");
            }
            assert_eq!(counts, [1600, 1600, 82, 2], "{written}");
            assert!(
                written.stdout.contains("\nout of the caller\n"),
                "{written}"
            );
        },
    );
}

#[test]
fn captured_output_is_in_the_report_and_in_errors() {
    as_program(
        || {
            let pool = Pool::builder()
                .processes(2)
                .output(Output::Captured)
                .build()
                .unwrap();
            let graph: Graph<Noisy> = noisy(20);
            for _ in 0..2 {
                let outcome = pool.run(&graph).unwrap();
                let report = outcome.report();
                let tasks = report.task_graph();
                for index in 0..20 {
                    for family in ["part", "next"] {
                        let name = format!("{family}[{index}]");
                        let output = report.output(tasks.find(&name).unwrap());
                        assert_eq!(output.lines().count(), 41, "{output}");
                        assert!(output.lines().all(|line| is_of(line, &name)), "{output}");
                    }
                }
            }
            let crash = graph! { crash = aborts() retry 1; };
            let error = pool.run(&crash).unwrap().crash.unwrap_err();
            let output = error.output().unwrap();
            assert_eq!(output.matches("the pump is dry\n").count(), 2, "{output}");
            assert!(output.contains("incomplete crash 0\n"), "{output}");
            assert!(
                error
                    .to_string()
                    .ends_with("; its last words: the pump is dry"),
                "{error}"
            );
        },
        |_| (),
        |written| {
            assert!(written.status.success(), "{written}");
            let all = format!("{}{}", written.stdout, written.stderr);
            assert!(!all.contains("part") && !all.contains("pump"), "{written}");
        },
    );
}

#[test]
fn errors_of_dependent_tasks_show_the_last_words_of_the_cause() {
    isolated(|| {
        let pool = Pool::builder()
            .processes(2)
            .output(Output::Captured)
            .build()
            .unwrap();
        let graph = graph! {
            bad: u32 = { println!("reading\nline 12 is empty"); "".parse()? };
            panics: u32 = { println!("about to panic"); panic!("on purpose") };
            uses = bad + 1;
            last = uses + 1;
            quiet: u32 = Err("no word")?;
        };
        let outcome = pool.run(&graph).unwrap();
        for error in [
            outcome.bad.unwrap_err(),
            outcome.uses.unwrap_err(),
            outcome.last.unwrap_err(),
        ] {
            assert_eq!(error.root().output(), Some("reading\nline 12 is empty\n"));
            assert!(
                error
                    .to_string()
                    .ends_with("; its last words: line 12 is empty"),
                "{error}"
            );
        }
        assert_eq!(
            outcome.panics.unwrap_err().output(),
            Some("about to panic\n")
        );
        assert_eq!(outcome.quiet.unwrap_err().output(), None);
    });
}

#[test]
fn graphs_in_tasks_print_as_their_task_does() {
    isolated_with(("AMPEG_OUTPUT", "captured"), || {
        let graph = graph! {
            outer = {
                let graph = graph! { inner[i in 0..2] = println!("inner {i}"); };
                graph.run(1)?.inner.len()
            };
        };
        let outcome = graph.run(1).unwrap();
        let report = outcome.report();
        let outer = report.task_graph().find("outer").unwrap();
        assert_eq!(report.output(outer), "inner 0\ninner 1\n");
    });
}

#[test]
fn unknown_value_of_the_variable_is_an_error() {
    isolated_with(("AMPEG_OUTPUT", "loud"), || {
        let error = Pool::new(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSetting);
        let message = "the environment variable `AMPEG_OUTPUT` is `loud`, \
            but must be `inherited`, `tagged` or `captured`";
        assert_eq!(error.to_string(), message);
        let pool = Pool::builder().processes(1).output(Output::Inherited);
        assert!(pool.build().is_ok());
    });
}
