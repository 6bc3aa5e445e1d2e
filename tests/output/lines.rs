//! Lines arrive whole, and before the caller's next line.

use crate::isolated::{Written, as_program, isolated};
use ampeg::{Pool, graph};
use std::io::Write;

/// The lines that begin with `start`.
fn lines<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

fn write_lines(n: usize, name: &str) -> usize {
    for i in 0..n {
        println!("out {name} {i}");
        eprintln!("err {name} {i}");
    }
    n
}

#[test]
fn all_lines_of_tasks_come_before_the_callers_next_one() {
    let body = || {
        println!();
        let pool = Pool::new(2).unwrap();
        for _ in 0..5 {
            let graph = graph! { a = write_lines(200, "a"); b = write_lines(200, "b"); };
            assert!(pool.run(&graph).unwrap().into_values().is_ok());
            println!("out of the caller");
            eprintln!("err of the caller");
        }
        // The pool is alive.
        std::process::exit(0);
    };
    as_program(
        body,
        |_| (),
        |written| {
            assert!(written.status.success(), "{written}");
            for (text, stream) in [(&written.stdout, "out"), (&written.stderr, "err")] {
                let lines = lines(text, stream);
                assert_eq!(lines.len(), 5 * 401);
                for run in lines.chunks(401) {
                    assert_eq!(run[400], format!("{stream} of the caller"));
                    for name in ["a", "b"] {
                        let start = format!("{stream} {name} ");
                        let of_one = run.iter().filter(|line| line.starts_with(&start));
                        let expected = (0..200).map(|i| format!("{start}{i}"));
                        assert!(of_one.copied().eq(expected));
                    }
                }
            }
        },
    );
}

#[test]
fn lines_of_two_workers_do_not_mix_however_they_are_written() {
    fn letters(letter: u8) -> i32 {
        let line = format!("{}\n", char::from(letter).to_string().repeat(20));
        for _ in 0..500 {
            for letter in line.chars() {
                eprint!("{letter}");
            }
        }
        1
    }
    as_program(
        || {
            let graph = graph! { a = letters(b'a'); b = letters(b'b'); };
            assert!(graph.run(2).unwrap().into_values().is_ok());
        },
        |_| (),
        |written| {
            for line in ["a".repeat(20), "b".repeat(20)] {
                let same = written.stderr.lines().filter(|other| **other == line);
                assert_eq!(same.count(), 500, "{written}");
            }
        },
    );
}

fn print_without_newline(text: &str) -> usize {
    print!("{text}");
    eprint!("{text}");
    text.len()
}

#[allow(unsafe_code, reason = "it stands for a library in C")]
fn print_in_c() -> i32 {
    // SAFETY: the text has no directives and ends with a zero.
    unsafe { libc::printf(c"text of C".as_ptr()) }
}

fn has_line(written: &Written, line: &str) {
    for text in [&written.stdout, &written.stderr] {
        assert!(text.lines().any(|other| other == line), "{line}\n{written}");
    }
}

#[test]
fn text_without_a_newline_is_passed_on_as_a_line() {
    as_program(
        || {
            println!();
            let pool = Pool::new(2).unwrap();
            let graph =
                graph! { a = print_without_newline("first"); b = print_without_newline("second"); };
            assert!(pool.run(&graph).unwrap().into_values().is_ok());
            println!("caller");
            eprintln!("caller");
            let graph = graph! { a = print_in_c(); };
            assert_eq!(pool.run(&graph).unwrap().a, Ok(9));
            eprintln!("text of C");
            std::process::exit(0);
        },
        |_| (),
        |written| {
            for line in ["first", "second", "caller", "text of C"] {
                has_line(&written, line);
            }
        },
    );
}

#[test]
fn beginning_of_a_line_is_passed_on_when_its_worker_dies() {
    fn die(name: &str) -> i32 {
        eprint!("a beginning of {name}");
        std::process::abort()
    }
    as_program(
        || {
            let graph = graph! { a = die("a"); b = die("b"); c = { eprintln!("whole"); 1 }; };
            let outcome = graph.run(2).unwrap();
            let error = outcome.a.as_ref().unwrap_err().to_string();
            assert!(
                error.ends_with("its last words: a beginning of a"),
                "{error}"
            );
            eprintln!("caller");
        },
        |_| (),
        |written| {
            for line in ["a beginning of a", "a beginning of b", "whole", "caller"] {
                let found = written.stderr.lines().any(|other| other == line);
                assert!(found, "{line}\n{written}");
            }
        },
    );
}

#[test]
fn words_of_an_earlier_task_are_not_the_last_words_of_a_crash() {
    isolated(|| {
        fn die(words: &str) -> i32 {
            eprint!("{words}");
            std::process::abort()
        }
        let pool = Pool::new(1).unwrap();
        let earlier = graph! { a = { eprintln!("words of an earlier task"); 1 }; };
        for words in ["", "out of fuel"] {
            // When a run has returned, all output of its tasks was read.
            assert_eq!(pool.run(&earlier).unwrap().a, Ok(1));
            let outcome = pool.run(&graph! { a = die(words); }).unwrap();
            let error = outcome.a.as_ref().unwrap_err().to_string();
            assert!(!error.contains("earlier"), "{error}");
            assert!(error.ends_with(words), "{error}");
        }
    });
}

#[test]
fn output_of_any_size_arrives_whole() {
    const SIZE: usize = 5_000_000;
    fn write_much(byte: u8) -> usize {
        let line = [vec![byte; 999], vec![b'\n']].concat();
        let mut out = std::io::stderr().lock();
        for _ in 0..SIZE / line.len() {
            out.write_all(&line).unwrap();
        }
        SIZE
    }
    as_program(
        || {
            let graph = graph! { a = write_much(b'a'); b = write_much(b'b'); };
            assert!(graph.run(2).unwrap().into_values().is_ok());
        },
        |_| (),
        |written| {
            for letter in ["a", "b"] {
                let line = letter.repeat(999);
                let same = written.stderr.lines().filter(|other| **other == line);
                assert_eq!(same.count(), SIZE / 1000);
            }
        },
    );
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are() {
    fn bytes() -> Vec<u8> {
        (0..500_000_u32).map(|n| (n % 255) as u8).collect()
    }
    fn write_bytes() -> usize {
        std::io::stderr().write_all(&bytes()).unwrap();
        1
    }
    as_program(
        || assert_eq!(graph! { a = write_bytes(); }.run(1).unwrap().a, Ok(1)),
        |_| (),
        |written| {
            let expected = String::from_utf8_lossy(&bytes()).into_owned();
            assert!(written.stderr.contains(&expected));
        },
    );
}
