//! Runs end and leave nothing behind in all environments: each test in a process of its own.

#![deny(warnings)]

mod isolated;

use ampeg::{Pool, TaskErrorKind, graph};
use isolated::isolated;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::path::Path;
use std::time::Duration;

fn work(n: usize) -> Vec<u64> {
    (0..n as u64).collect()
}

fn total(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

fn abort() -> u64 {
    std::process::abort()
}

/// The open descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// The children of this process, zombies among them.
fn children() -> usize {
    let children = std::fs::read_to_string("/proc/self/task/self/children");
    let children = children.or_else(|_| {
        let id = std::process::id();
        std::fs::read_to_string(format!("/proc/self/task/{id}/children"))
    });
    children.unwrap().split_whitespace().count()
}

/// Shared memory that is still mapped here.
fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd")).count()
}

/// Waits until a count falls to the expected number. Threads that have finished their work need a moment to end.
fn settle(count: impl Fn() -> usize, expected: usize) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while count() > expected && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    assert!(count() <= expected, "{} of at most {expected}", count());
}

#[test]
fn runs_and_crashes_leave_nothing_behind() {
    isolated(|| {
        let graph = graph! {
            small = work(10);
            large = work(500_000);
            crash = abort();
            after = total(&work(3)) + crash;
            sum = total(&small) + total(&large);
        };
        let n_threads = threads();
        // The first run may create things that stay, such as the panic hook.
        let _ = graph.run(2).unwrap();
        settle(children, 0);
        settle(threads, n_threads);
        let before = (descriptors(), mappings());
        for _ in 0..10 {
            let outcome = graph.run(2).unwrap();
            assert!(outcome.sum.is_ok() && outcome.crash.is_err() && outcome.after.is_err());
        }
        settle(children, 0);
        settle(threads, n_threads);
        settle(descriptors, before.0);
        settle(mappings, before.1);
    });
}

#[test]
fn pool_does_not_grow_from_run_to_run() {
    isolated(|| {
        let graph = graph! {
            large = work(200_000);
            crash = abort();
            sum = total(&large);
        };
        let pool = Pool::new(2).unwrap();
        let run = || assert!(pool.run(&graph).unwrap().sum.is_ok());
        run();
        let before = (descriptors(), mappings());
        let n_threads = threads();
        for _ in 0..20 {
            run();
        }
        settle(threads, n_threads);
        settle(descriptors, before.0);
        settle(mappings, before.1);
    });
}

/// Runs the graph of these tests. Returns its result or the message of its error.
fn run_in_need() -> Result<u64, String> {
    let n = 100_000;
    let graph = graph! {
        a = work(n);
        b = work(n + 1);
        pub sum = total(&a) + total(&b);
    };
    let outcome = graph.run(2).map_err(|error| error.to_string())?;
    outcome
        .into_values()
        .map(|values| values.sum)
        .map_err(|error| error.to_string())
}

#[test]
fn too_few_descriptors_are_an_error_and_never_a_hang() {
    isolated(|| {
        let expected = run_in_need().unwrap();
        let (mut right, mut wrong) = (0, 0);
        // The hard limit cannot be raised again, so the loop goes downwards. A soft limit alone would be raised by the
        // pool.
        for limit in (descriptors() as u64..60).rev() {
            let limit = Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            };
            setrlimit(Resource::Nofile, limit).unwrap();
            match run_in_need() {
                Ok(sum) => {
                    assert_eq!(sum, expected);
                    right += 1;
                }
                Err(message) => {
                    assert!(message.contains("open files"), "{message}");
                    wrong += 1;
                }
            }
        }
        assert!(right > 0 && wrong > 0, "{right} right, {wrong} wrong");
    });
}

#[test]
fn folder_for_temporary_files_may_be_long_or_missing() {
    isolated(|| {
        let long = std::env::temp_dir().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        for folder in [&*long, Path::new("/nonexistent")] {
            let program = std::env::current_exe().unwrap();
            let output = std::process::Command::new(program)
                .args([
                    "--exact",
                    "prints_the_results_of_a_run",
                    "--ignored",
                    "--nocapture",
                ])
                .env("TMPDIR", folder)
                .output()
                .unwrap();
            let output = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.contains("Ok("), "{output}");
        }
        assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
        std::fs::remove_dir(&long).unwrap();
    });
}

#[test]
#[ignore = "a part of the tests of temporary folders and of Ctrl-C, which run it"]
fn prints_the_results_of_a_run() {
    println!("{:?}", run_in_need());
}

#[test]
fn task_beyond_the_memory_limit_crashes_alone() {
    isolated(|| {
        let graph = graph! {
            modest = work(1000).len();
            greedy = std::hint::black_box(vec![1_u8; 4_000_000_000]).len();
            after = modest + 1;
        };
        let pool = Pool::builder()
            .processes(2)
            .memory_limit(1_000_000_000)
            .build()
            .unwrap();
        let outcome = pool.run(&graph).unwrap();
        assert_eq!(outcome.after, Ok(1001));
        let error = outcome.greedy.as_ref().unwrap_err();
        let TaskErrorKind::Crashed { signal, stderr, .. } = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(*signal, Some(6));
        assert!(
            stderr.contains("memory allocation of 4000000000 bytes failed"),
            "{stderr}"
        );
    });
}

#[test]
fn result_too_large_for_the_memory_left_is_an_error_of_its_task() {
    isolated(|| {
        let graph = graph! {
            large = vec![1_u8; 600_000_000];
            modest = work(1000).len();
        };
        let pool = Pool::builder()
            .processes(2)
            .memory_limit(1_000_000_000)
            .build()
            .unwrap();
        let outcome = pool.run(&graph).unwrap();
        assert_eq!(outcome.modest, Ok(1000));
        assert!(outcome.large.is_err());
    });
}

/// Whether this process was started with Ctrl-C ignored, as by `nohup` or in the background of a script.
fn ignores_interrupts() -> bool {
    const INTERRUPT: u32 = 2;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    ignored >> (INTERRUPT - 1) & 1 == 1
}

/// The prefix of a shell command that restores the default effect of Ctrl-C; none if it cannot be restored here.
fn command_that_restores_interrupts() -> Option<&'static str> {
    use std::process::{Command, Stdio};
    if !ignores_interrupts() {
        return Some("");
    }
    let mut env = Command::new("env");
    env.args(["--default-signal=INT", "true"]);
    let works = env
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success());
    works.then_some("env --default-signal=INT ")
}

/// Interrupts a whole group of processes, as Ctrl-C does, while a task of a run hangs.
///
/// `before` stands before the program in the command of the shell that starts it.
fn interrupt(ignore: bool, before: &str) -> String {
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    let program = std::env::current_exe().unwrap();
    let trap = if ignore { "trap '' INT; " } else { "" };
    let script =
        format!("{trap}exec {before}\"$0\" --exact waits_for_a_line --ignored --nocapture");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("worker ") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended early");
    }
    let worker = line.rsplit(' ').next().unwrap().trim().to_owned();
    let group = i32::try_from(child.id()).unwrap();
    let group = rustix::process::Pid::from_raw(group).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    if ignore {
        assert!(
            Path::new(&format!("/proc/{worker}")).exists(),
            "the worker was interrupted"
        );
    }
    drop(child.stdin.take());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while Path::new(&format!("/proc/{worker}")).exists() && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    assert!(
        !Path::new(&format!("/proc/{worker}")).exists(),
        "the worker is left behind"
    );
    rest
}

fn wait_for(file: &Path) -> u32 {
    println!("worker {}", std::process::id());
    // The line must be read before the task ends.
    std::io::Write::flush(&mut std::io::stdout()).unwrap();
    while file.exists() {
        std::thread::yield_now();
    }
    7
}

#[test]
#[ignore = "a part of the tests of Ctrl-C, which run it"]
fn waits_for_a_line() {
    let file = std::env::temp_dir().join(format!("ampeg-wait-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let path: &Path = &file;
    let pool = Pool::new(1).unwrap();
    let graph = graph! { seven = wait_for(path); };
    let run = pool.start(&graph).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    std::fs::remove_file(&file).unwrap();
    println!("result {:?}", run.wait().unwrap().seven);
}

#[test]
fn program_that_ignores_an_interrupt_keeps_its_workers() {
    isolated(|| {
        let rest = interrupt(true, "");
        assert!(rest.contains("result Ok(7)"), "{rest}");
    });
}

#[test]
fn interrupt_ends_a_program_and_its_workers() {
    isolated(|| {
        let Some(before) = command_that_restores_interrupts() else {
            eprintln!(
                "skipped: this test was started with SIGINT ignored, and `env` cannot restore it"
            );
            return;
        };
        let rest = interrupt(false, before);
        assert!(!rest.contains("result"), "{rest}");
        for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
            // The program had no chance to remove its own file.
            std::fs::remove_file(entry.path()).unwrap();
        }
    });
}
