//! Programs that are started in unusual ways, and program files that change during a run.

use crate::isolated::isolated;
use crate::refusal;
use ampeg::{Pool, graph};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The output of a program that runs the test below.
fn run(command: &mut Command) -> String {
    let output = command
        .args(["--exact", "programs::run_by_others", "--nocapture"])
        .env("AMPEG_TEST_HOW", "program")
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Does nothing, except in a process that another test of this file has started.
#[test]
fn run_by_others() {
    if std::env::var_os("AMPEG_TEST_HOW").is_none() {
        return;
    }
    match (graph! { a = 1; }).run(1) {
        Ok(outcome) => println!("ran: {:?}", outcome.a),
        Err(error) => println!("refused: {error}; {}", refusal()),
    }
}

#[test]
fn program_that_the_loader_was_started_with_is_refused() {
    isolated(|| {
        let loaders = [
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-linux-aarch64.so.1",
            "/lib/ld-musl-x86_64.so.1",
        ];
        let Some(loader) = loaders.iter().find(|path| Path::new(path).exists()) else {
            println!("skipped: the dynamic loader is not where it is looked for");
            return;
        };
        let said = run(Command::new(loader).arg(std::env::current_exe().unwrap()));
        assert!(said.contains("through the dynamic loader"), "{said}");
    });
}

#[test]
fn program_runs_under_another_name_and_by_a_link() {
    isolated(|| {
        let program = std::env::current_exe().unwrap();
        let folder = std::env::temp_dir();
        let copy = folder.join("a program\u{fc} (deleted)");
        fs::copy(&program, &copy).unwrap();
        let said = run(&mut Command::new(&copy));
        assert!(said.contains("ran: Ok(1)"), "{said}");
        let link = folder.join("link");
        std::os::unix::fs::symlink(&copy, &link).unwrap();
        let said = run(&mut Command::new(&link));
        assert!(said.contains("ran: Ok(1)"), "{said}");
        let hard = folder.join("hard");
        fs::hard_link(&copy, &hard).unwrap();
        let said = run(&mut Command::new(&hard));
        assert!(said.contains("ran: Ok(1)"), "{said}");
        for file in [copy, link, hard] {
            fs::remove_file(file).unwrap();
        }
    });
}

#[test]
fn program_whose_file_is_replaced_continues() {
    isolated(|| {
        if std::env::var_os("AMPEG_TEST_COPY").is_none() {
            let program = std::env::temp_dir().join("program");
            fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
            let mut command = Command::new(&program);
            let output = command
                .args([
                    "--exact",
                    "programs::program_whose_file_is_replaced_continues",
                ])
                .arg("--nocapture")
                .env("AMPEG_TEST_COPY", &program)
                .output()
                .unwrap();
            let said =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(output.status.success(), "{said}");
            assert!(said.contains("replaced"), "{said}");
            fs::remove_file(program).unwrap();
            return;
        }
        let program = std::env::current_exe().unwrap();
        fs::remove_file(&program).unwrap();
        assert_eq!(graph! { a = 1; }.run(1).unwrap().a, Ok(1));
        fs::copy("/bin/false", &program).unwrap();
        let pool = Pool::new(1).unwrap();
        let crash = graph! { a: u8 = std::process::abort(); b = 2; };
        assert_eq!(pool.run(&crash).unwrap().b, Ok(2));
        println!("replaced");
    });
}
