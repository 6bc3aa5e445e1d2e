//! Settings of workers: the function that each runs first, the environment, schedulers, and waits for runs.

use ampeg::schedule::Schedule;
use ampeg::{
    Error, ErrorKind, Policy, Pool, Processors, Scheduler, TaskError, TaskErrorKind, TaskGraph,
    TaskId, graph,
};
use isolated::{isolated, killed_when_ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

mod isolated;

/// A function for new workers.
type Prepare = fn() -> Result<(), String>;

static STARTED: AtomicU32 = AtomicU32::new(0);

fn count() -> Result<(), std::num::TryFromIntError> {
    STARTED.fetch_add(u32::try_from(1_u64)?, Ordering::SeqCst);
    println!("a worker is ready");
    Ok(())
}

fn started() -> u32 {
    STARTED.load(Ordering::SeqCst)
}

#[test]
fn each_worker_runs_the_function_once_before_its_tasks() {
    isolated(|| {
        let pool = Pool::builder().processes(2).on_worker_start(count);
        let pool = pool.build().unwrap();
        let graph = graph! { n[i in 0..20] = started(); };
        for _ in 0..2 {
            let outcome = pool.run(&graph).unwrap();
            assert!(outcome.n.iter().all(|n| *n == Ok(1)), "{outcome:?}");
        }
        assert_eq!(started(), 0);
        let threads = Pool::builder().threads(3).on_worker_start(count);
        let outcome = threads.build().unwrap().run(&graph).unwrap();
        assert!(outcome.n.iter().all(|n| *n == Ok(3)), "{outcome:?}");
    });
}

#[test]
fn replacement_runs_the_function_too() {
    isolated(|| {
        let pool = Pool::builder().processes(1).on_worker_start(count);
        let pool = pool.build().unwrap();
        let graph = graph! { crash: u8 = std::process::abort(); after = started(); };
        for _ in 0..2 {
            let outcome = pool.run(&graph).unwrap();
            let error = outcome.crash.unwrap_err();
            assert!(matches!(error.kind(), TaskErrorKind::Crashed { .. }));
            assert_eq!(outcome.after, Ok(1));
        }
    });
}

#[test]
fn failure_of_the_function_is_the_error_of_the_pool() {
    isolated(|| {
        let failures: [(Prepare, &str); 3] = [
            (
                || Err("no licence\nat all".into()),
                "failed: no licence at all",
            ),
            (|| panic!("no {}", "table"), "no table"),
            (|| std::process::exit(7), "code 7"),
        ];
        for (function, expected) in failures {
            let builder = Pool::builder().on_worker_start(function);
            let error = builder.clone().processes(3).build().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            if expected != "code 7" {
                let error = builder.threads(2).build().unwrap_err();
                assert!(error.to_string().contains(expected), "{error}");
            }
        }
    });
}

/// Fails in workers that are started once a file is gone.
fn needs_file() -> Result<(), std::io::Error> {
    let file = std::env::var_os("NEEDED").unwrap_or_default();
    std::fs::metadata(file).map(drop)
}

#[test]
fn replacement_that_cannot_be_prepared_fails_its_tasks_and_nothing_hangs() {
    isolated(|| {
        let folder = tempfile();
        let file = folder.join("needed");
        std::fs::write(&file, "").unwrap();
        let pool = Pool::builder().processes(2).env("NEEDED", &file);
        let pool = pool.on_worker_start(needs_file).build().unwrap();
        let plain = graph! { a = 1; b = 2; };
        assert_eq!(pool.run(&plain).unwrap().b, Ok(2));
        std::fs::remove_file(&file).unwrap();
        let outcome = pool
            .run(&graph! { crash: u8 = std::process::abort(); b = 2; })
            .unwrap();
        assert!(outcome.crash.is_err());
        let after = pool.run(&plain);
        let message = match after {
            Err(error) => error.to_string(),
            Ok(outcome) => format!("{:?}", (outcome.a, outcome.b)),
        };
        assert!(message.contains("on_worker_start"), "{message}");
        std::fs::write(&file, "").unwrap();
        assert_eq!(pool.run(&plain).unwrap().a, Ok(1));
        std::fs::remove_dir_all(folder).unwrap();
    });
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("ampeg-workers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns in the first worker that is started, and never in others.
fn once() -> Result<(), std::env::VarError> {
    let folder = std::env::var("FOLDER")?;
    if std::fs::create_dir(std::path::Path::new(&folder).join("first")).is_err() {
        std::thread::sleep(Duration::from_secs(3600));
    }
    Ok(())
}

#[test]
fn function_without_an_end_can_be_dropped_with_its_run() {
    isolated(|| {
        let folder = tempfile();
        let pool = Pool::builder().processes(1).env("FOLDER", &folder);
        let pool = pool.on_worker_start(once).timeout(Duration::from_secs(2));
        let pool = pool.build().unwrap();
        let outcome = pool
            .run(&graph! { crash: u8 = std::process::abort(); b = 2; })
            .unwrap();
        assert!(outcome.crash.is_err() && outcome.b.is_err());
        drop(pool);
        std::fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn workers_have_the_environment_and_directory_of_their_pool() {
    isolated(|| {
        let folder = std::env::temp_dir().canonicalize().unwrap();
        let pool = Pool::builder()
            .processes(1)
            .env("COLOUR", "blue")
            .env("COLOUR", "green");
        let pool = pool.current_dir(&folder).build().unwrap();
        let graph = graph! {
            colour = std::env::var("COLOUR")?;
            here = std::env::current_dir()?;
            crash: u8 = std::process::abort();
            still = { let () = later; std::env::var("COLOUR")? };
            later = ();
        };
        let outcome = pool.run(&graph).unwrap();
        assert_eq!(outcome.colour, Ok("green".to_owned()));
        assert_eq!(outcome.here, Ok(folder));
        assert_eq!(outcome.still, Ok("green".to_owned()));
        assert!(std::env::var_os("COLOUR").is_none());
        let missing = Pool::builder().processes(1).current_dir("/no/such/folder");
        let error = missing.build().unwrap_err().to_string();
        assert!(error.contains("/no/such/folder"), "{error}");
        let threads = Pool::builder().env("A", "b").threads(1).build();
        assert!(
            threads
                .unwrap_err()
                .to_string()
                .contains("worker processes")
        );
        let odd = Pool::builder().processes(1).env("A\0", "b").build();
        assert!(odd.is_err());
    });
}

/// Places all tasks on the last processor.
struct Last;

impl Scheduler for Last {
    fn schedule(&self, graph: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
        let mut order: Vec<Vec<TaskId>> = vec![Vec::new(); processors.len()];
        order
            .last_mut()
            .ok_or_else(|| Error::new("no processor"))?
            .extend(graph.topological_order());
        Schedule::from_order(graph, processors, &order)
    }
}

static LAST: &(dyn Scheduler + Send + Sync) = &Last;

/// Returns the schedule of another graph.
struct Wrong;

impl Scheduler for Wrong {
    fn schedule(&self, _: &TaskGraph, processors: &Processors) -> Result<Schedule, Error> {
        let other = TaskGraph::builder().task("other", 1).build()?;
        Policy::Heft.schedule(&other, processors)
    }
}

#[test]
fn pool_takes_any_scheduler() {
    isolated(|| {
        let graph = graph! { a = std::process::id(); b = std::process::id(); };
        let shared: Arc<dyn Scheduler + Send + Sync> = Arc::new(Last);
        let pools = [
            Pool::builder().processes(2).policy(Last),
            Pool::builder().processes(2).policy(shared),
            Pool::builder().processes(2).policy(LAST),
        ];
        for pool in pools {
            let outcome = pool.build().unwrap().run(&graph).unwrap();
            assert_eq!(outcome.a, outcome.b);
        }
        let wrong = Pool::builder().processes(1).policy(Wrong).build().unwrap();
        assert!(wrong.run(&graph).is_err());
    });
}

#[test]
fn errors_have_a_kind() {
    isolated(|| {
        let cost = f64::NAN;
        let errors = [
            (
                graph! { a = 1 @ cost; }.run(1).err(),
                ErrorKind::InvalidGraph,
            ),
            (
                graph! { a[i in 0..2] = 1; b = a[5]; }.run(1).err(),
                ErrorKind::InvalidGraph,
            ),
            (
                graph! { a = 1; }.schedule(0).err(),
                ErrorKind::InvalidSchedule,
            ),
            (graph! { a = 1; }.run(0).err(), ErrorKind::InvalidSetting),
        ];
        for (error, kind) in errors {
            let error = error.expect("it is refused");
            assert_eq!(error.kind(), kind, "{error}");
        }
        let pool = Pool::builder()
            .processes(1)
            .on_worker_start(|| Err("no licence"));
        assert_eq!(pool.build().unwrap_err().kind(), ErrorKind::Workers);
        let bad = graph! { bad: u8 = "x".parse()?; };
        let error: Error = bad.run(1).unwrap().into_values().unwrap_err().into();
        assert_eq!(error.kind(), ErrorKind::Task);
        assert_eq!(error.downcast_ref::<TaskError>().unwrap().task(), "bad");
        assert!(error.downcast_ref::<String>().is_none());
    });
}

#[test]
fn wait_with_a_limit_returns_the_run() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let graph = graph! { long = std::thread::sleep(Duration::from_secs(3600)); short = 1; };
        let run = pool.start(&graph).unwrap();
        let Err(run) = run.wait_timeout(Duration::from_millis(20)) else {
            panic!("an hour is not over");
        };
        assert!(!run.is_finished());
        let canceller = run.canceller();
        std::thread::scope(|scope| {
            scope.spawn(|| canceller.clone().cancel());
            let ended = run.wait_timeout(Duration::from_secs(3600));
            let outcome = ended.expect("it is cancelled").unwrap();
            assert_eq!(outcome.long.unwrap_err().kind(), &TaskErrorKind::Cancelled);
        });
        // The run is over, so this has no effect.
        canceller.cancel();
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
        let run = pool.start(&graph! { a = 1; }).unwrap();
        let outcome = run.wait_timeout(Duration::MAX).expect("it ends").unwrap();
        assert_eq!(outcome.a, Ok(1));
        drop(pool);
        canceller.cancel();
    });
}

/// Starts a program that runs for a long time, and returns its process id.
#[cfg(target_os = "linux")]
fn start_program() -> u32 {
    let sleep = std::process::Command::new("sleep").arg("1000").spawn();
    sleep.unwrap().id()
}

/// Waits until a process has ended, and init or a worker has reaped it.
#[cfg(target_os = "linux")]
fn wait_for_end(pid: u32) {
    let is_running = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        status.is_ok_and(|status| !status.contains(") Z "))
    };
    while is_running() {
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn programs_that_tasks_have_started_end_with_their_worker() {
    isolated(|| {
        let pool = Pool::builder().processes(1).end_children(true);
        let pool = pool.build().unwrap();
        let graph = graph! {
            pub pid = start_program();
            pub late: u32 = { let _ = pid; std::thread::sleep(Duration::from_secs(1000)); 0 }
                within Duration::from_millis(10);
            pub other = start_program();
            pub crash: u32 = { let _ = other; std::process::abort() };
            pub last = start_program();
        };
        let outcome = pool.run(&graph).unwrap();
        let kinds = [outcome.late, outcome.crash].map(|it| it.unwrap_err().kind().clone());
        assert!(matches!(kinds[0], TaskErrorKind::TimedOut { .. }));
        assert!(matches!(kinds[1], TaskErrorKind::Crashed { .. }));
        wait_for_end(outcome.pid.unwrap());
        wait_for_end(outcome.other.unwrap());
        let last = outcome.last.unwrap();
        drop(pool);
        wait_for_end(last);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn programs_that_tasks_have_started_end_with_the_program() {
    killed_when_ready(|| {
        let ready = std::env::temp_dir().join("ready");
        let pool = Pool::builder().processes(2).end_children(true);
        let graph = graph! {
            a[_i in 0..2] = start_program();
            b: u32 = {
                let _ = a.len();
                std::fs::write(&ready, "").unwrap();
                std::thread::sleep(Duration::from_secs(1000));
                0
            };
        };
        let _ = pool.build().unwrap().run(&graph).unwrap();
    });
}

#[test]
fn children_of_threads_are_those_of_the_program() {
    let error = Pool::builder().threads(1).end_children(true).build();
    let error = error.unwrap_err();
    assert!(error.to_string().contains("`end_children`"), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
}

#[test]
fn errors_that_are_not_worth_it_are_not_retried() {
    fn is_worth_it(error: &TaskErrorKind) -> bool {
        match error {
            TaskErrorKind::Failed { message, .. } => message == "again",
            TaskErrorKind::Panicked { .. } => panic!("on purpose"),
            _ => false,
        }
    }
    isolated(|| {
        let graph = graph! {
            again: u8 = Err("again")? retry 2;
            never: u8 = Err("never")? retry 2;
            panics: u8 = panic!("on purpose") retry 2;
        };
        let builder = Pool::builder().retry_if(is_worth_it);
        for pool in [builder.clone().threads(2), builder.clone().processes(2)] {
            let outcome = pool.build().unwrap().run(&graph).unwrap();
            let attempt = |result: Result<u8, TaskError>| result.unwrap_err().attempt();
            let attempts = [outcome.again, outcome.never, outcome.panics].map(attempt);
            assert_eq!(attempts, [3, 1, 1]);
        }
        let graph = graph! { crash: u8 = std::process::abort() retry 2; };
        let outcome = builder.processes(1).build().unwrap().run(&graph).unwrap();
        assert_eq!(outcome.crash.unwrap_err().attempt(), 1);
    });
}
