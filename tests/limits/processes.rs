//! Too few processes, and programs that are killed while they start some.

use crate::isolated::isolated;
use crate::{limit_softly, says};
use ampeg::{Pool, graph};
use rustix::process::Resource;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VARIABLE: &str = "AMPEG_TEST_STARTS";

/// Starts pools until this process is killed.
#[test]
#[ignore = "a part of the test of programs that are killed, which runs it"]
fn starts_pools_without_end() {
    assert!(std::env::var_os(VARIABLE).is_some());
    loop {
        drop(Pool::new(2));
    }
}

#[test]
fn program_killed_while_it_starts_workers_leaves_no_file() {
    isolated(|| {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let mut program = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "processes::starts_pools_without_end",
                    "--ignored",
                ])
                .env(VARIABLE, "")
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(random.u64(1_000..30_000)));
            program.kill().unwrap();
            program.wait().unwrap();
        }
        let folder = std::env::temp_dir();
        let left: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        // Workers end when their caller is gone.
        let start = Instant::now();
        while group().len() > 1 {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?}", group());
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// The processes of this test's group, this one included.
fn group() -> Vec<String> {
    let group = rustix::process::getpgrp().as_raw_nonzero().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_number = |name: &std::ffi::OsStr| name.to_string_lossy().parse::<u32>().is_ok();
    let processes = processes.filter(|it| is_number(&it.file_name()));
    let stats = processes.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
    let is_in_group = |stat: &String| {
        let fields = stat.rsplit(')').next().unwrap_or("");
        let mut fields = fields.split_whitespace();
        fields.next() != Some("Z") && fields.nth(1) == Some(&group)
    };
    stats.filter(is_in_group).collect()
}

#[test]
fn worker_that_cannot_be_replaced_for_lack_of_processes_is_the_error_of_its_tasks() {
    isolated(|| {
        // The limit does not apply to root.
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args([
            "--exact",
            "processes::has_no_process_left",
            "--ignored",
            "--nocapture",
        ]);
        if rustix::process::getuid().is_root() {
            program.uid(65_534);
        }
        match program.status() {
            Ok(status) => assert!(status.success()),
            Err(error) => println!("skipped: another user cannot run this test: {error}"),
        }
    });
}

#[test]
#[ignore = "a part of the test of too few processes, which runs it"]
fn has_no_process_left() {
    let pool = Pool::new(1).unwrap();
    let n = 5;
    let graph = graph! { x[i in 0..n] = { if i == 0 { std::process::abort() } i }; };
    limit_softly(Resource::Nproc, 1);
    let outcome = pool.run(&graph).unwrap();
    assert!(outcome.x[0].is_err());
    let errors: Vec<_> = outcome.x[1..]
        .iter()
        .filter_map(|x| x.as_ref().err())
        .collect();
    assert!(!errors.is_empty());
    for error in errors {
        says(error, &["`ulimit -u`", "allows this user 1 process"]);
    }
    says(&Pool::new(1).unwrap_err(), &["`ulimit -u`"]);
}
