//! The events that observers receive.

#[path = "isolated/mod.rs"]
mod isolated;

use ampeg::{Event, Observer, Pool, Processors, Schedule, TaskErrorKind, graph};
use isolated::isolated;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Keeps each event as a line.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Lines {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::RunBegan {
                graph, n_workers, ..
            } => {
                format!("run of {} on {n_workers}", graph.n_tasks())
            }
            Event::TaskBegan { task, attempt, .. } => format!("{task} {attempt} began"),
            Event::TaskEnded { task, attempt } => format!("{task} {} ended", attempt.number),
            Event::TaskFailed {
                task,
                attempt,
                error,
                will_retry,
            } => {
                let why = match error {
                    Some(TaskErrorKind::Failed { message, .. }) => message,
                    Some(_) => "otherwise",
                    None => "died",
                };
                let retried = if *will_retry { ", retried" } else { "" };
                format!("{task} {} failed: {why}{retried}", attempt.number)
            }
            Event::ResultMoved { task, transfer } => {
                assert!(transfer.sent <= transfer.received && transfer.bytes > 0);
                format!("{task} moved to {}", transfer.to)
            }
            Event::WorkerDied { death, is_replaced } => {
                format!(
                    "{} died: {}, replaced: {is_replaced}",
                    death.worker, death.reason
                )
            }
            Event::WorkerStarted { worker, .. } => format!("{worker} started"),
            Event::RunEnded { is_cancelled, .. } => {
                format!("run {}", if *is_cancelled { "cancelled" } else { "ended" })
            }
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

/// The lines without the beginnings of attempts. A beginning may be seen before the reports of earlier tasks arrive.
///
/// Checks that each attempt begins once, before it ends.
fn without_begins(lines: Vec<String>) -> Vec<String> {
    let (mut n_begins, mut n_ends) = (0, 0);
    for (place, line) in lines.iter().enumerate() {
        let is_end = line.contains(" failed: ") || line.ends_with(" ended") && line != "run ended";
        n_ends += usize::from(is_end);
        let Some(attempt) = line.strip_suffix(" began") else {
            continue;
        };
        n_begins += 1;
        let is_end = |line: &String| {
            let rest = line.strip_prefix(attempt);
            rest.is_some_and(|rest| rest.starts_with(" ended") || rest.starts_with(" failed: "))
        };
        assert!(!lines[..place].iter().any(is_end), "{lines:?}");
        assert!(lines[place..].iter().any(is_end), "{lines:?}");
    }
    assert_eq!(n_begins, n_ends, "{lines:?}");
    let others = lines.into_iter().filter(|line| !line.ends_with(" began"));
    others.collect()
}

fn wait_for(door: &Path) {
    while !door.exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn fails_once() -> Result<u8, String> {
    static TRIED: AtomicBool = AtomicBool::new(false);
    if TRIED.swap(true, Ordering::Relaxed) {
        Ok(1)
    } else {
        Err("not yet".into())
    }
}

#[test]
fn failure_retry_and_death_are_events_in_their_order() {
    isolated(|| {
        let lines = Arc::new(Lines::default());
        let door = std::env::temp_dir().join("door");
        let opened = door.clone();
        let pool = Pool::builder().processes(1).observe(Arc::clone(&lines));
        let pool = pool.observe(move |event: &Event<'_>| {
            if let Event::TaskEnded { task: "flaky", .. } = event {
                std::fs::write(&opened, "").unwrap();
            }
        });
        let pool = pool.build().unwrap();
        let graph = graph! {
            good = 1_u8;
            bad: u8 = Err("never")?;
            flaky = fails_once()? retry 1;
            // Waits until the earlier tasks are reported.
            dies: u8 = { wait_for(&door); std::process::abort() } retry 1;
            late = good + 1;
        };
        let tasks = graph.task_graph().unwrap();
        let order = ["good", "bad", "flaky", "dies", "late"].map(|it| tasks.find(it).unwrap());
        let one = Processors::new(1).unwrap();
        let schedule = Schedule::from_order(tasks, &one, &[order.to_vec()]).unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        assert_eq!(outcome.late, Ok(2));
        let died = "0 died: it was killed by signal 6 (SIGABRT, abort), replaced: true";
        assert_eq!(
            without_begins(lines.take()),
            [
                "run of 5 on 1",
                "good 1 ended",
                "bad 1 failed: never",
                "flaky 1 failed: not yet, retried",
                "flaky 2 ended",
                "dies 1 failed: died, retried",
                died,
                "0 started",
                "dies 2 failed: died",
                died,
                "0 started",
                "good moved to 0",
                "late 1 ended",
                "run ended",
            ]
        );
        std::fs::remove_file(&door).unwrap();
        let report = outcome.report();
        assert_eq!((report.attempts().len(), report.deaths().len()), (7, 2));
        assert!(report.deaths()[0].at <= report.deaths()[1].at);
    });
}

#[test]
fn inline_runs_and_threads_have_the_same_events() {
    isolated(|| {
        let graph = graph! { a = 1_u8; b = a + 1; bad: u8 = Err("never")?; c = bad + b; };
        let tasks = graph.task_graph().unwrap();
        let order: Vec<_> = tasks.topological_order().to_vec();
        let one = Processors::new(1).unwrap();
        let schedule = Schedule::from_order(tasks, &one, &[order]).unwrap();
        let lines = Arc::new(Lines::default());
        let _ = graph.run_inline_with(Arc::clone(&lines)).unwrap();
        let inline = without_begins(lines.take());
        for pool in [Pool::builder().threads(1), Pool::builder().processes(1)] {
            let pool = pool.observe(Arc::clone(&lines)).build().unwrap();
            for _ in 0..3 {
                let _ = pool.run_schedule(&graph, &schedule).unwrap();
                assert_eq!(without_begins(lines.take()), inline);
            }
        }
    });
}

#[test]
fn event_of_a_begin_comes_while_the_task_runs() {
    isolated(|| {
        for pool in [Pool::builder().processes(1), Pool::builder().threads(1)] {
            let (began, begins) = channel();
            let began = Mutex::new(began);
            let observer = move |event: &Event<'_>| {
                if let Event::TaskBegan { task, .. } = event {
                    began.lock().unwrap().send(task.to_string()).unwrap();
                }
            };
            let pool = pool.observe(observer).build().unwrap();
            let door = std::env::temp_dir().join("door");
            let graph = graph! {
                waits = wait_for(&door);
            };
            let run = pool.start(&graph).unwrap();
            assert_eq!(begins.recv().unwrap(), "waits");
            assert!(!run.is_finished());
            std::fs::write(&door, "").unwrap();
            assert_eq!(run.wait().unwrap().waits, Ok(()));
            std::fs::remove_file(&door).unwrap();
        }
    });
}

#[test]
fn cancelled_run_ends_with_the_death_of_its_worker() {
    isolated(|| {
        let lines = Arc::new(Lines::default());
        let (began, begins) = channel();
        let began = Mutex::new(began);
        let pool = Pool::builder().processes(1).observe(Arc::clone(&lines));
        let pool = pool.observe(move |event: &Event<'_>| {
            if let Event::TaskBegan { .. } = event {
                began.lock().unwrap().send(()).unwrap();
            }
        });
        let pool = pool.build().unwrap();
        let run = pool
            .start(&graph! { long = std::thread::sleep(HOUR); })
            .unwrap();
        begins.recv().unwrap();
        run.cancel();
        let outcome = run.wait().unwrap();
        assert_eq!(*outcome.long.unwrap_err().kind(), TaskErrorKind::Cancelled);
        assert_eq!(
            lines.take(),
            [
                "run of 1 on 1",
                "long 1 began",
                "long 1 failed: died",
                "0 died: it was running a task when its run was ended, replaced: false",
                "run cancelled",
            ]
        );
    });
}

#[test]
fn observer_that_panics_changes_nothing_and_is_called_no_more() {
    isolated(|| {
        struct Broken(Arc<AtomicUsize>);
        impl Observer for Broken {
            fn on_event(&self, _: &Event<'_>) {
                self.0.fetch_add(1, Ordering::Relaxed);
                panic!("no space left on device");
            }
        }
        impl Drop for Broken {
            fn drop(&mut self) {
                panic!("and its destructor");
            }
        }
        let calls = Arc::new(AtomicUsize::new(0));
        let lines = Arc::new(Lines::default());
        let pool = Pool::builder().processes(2);
        let pool = pool.observe(Broken(Arc::clone(&calls)));
        let pool = pool.observe(Arc::clone(&lines)).build().unwrap();
        let graph = graph! { a = 1; b = a + 1; };
        for _ in 0..2 {
            assert_eq!(pool.run(&graph).unwrap().b, Ok(2));
            let lines = lines.take();
            assert_eq!(lines.first().unwrap(), "run of 2 on 2");
            assert_eq!(lines.last().unwrap(), "run ended");
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        let outcome = graph.run_inline_with(Broken(Arc::clone(&calls))).unwrap();
        assert_eq!(outcome.b, Ok(2));
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn observer_that_uses_its_own_pool_gets_an_error() {
    isolated(|| {
        let own: Arc<Mutex<Option<Pool>>> = Arc::default();
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (pool, list) = (Arc::clone(&own), Arc::clone(&errors));
        let observer = move |event: &Event<'_>| {
            if let Event::RunBegan { .. } = event {
                let pool = pool.lock().unwrap().clone().unwrap();
                let error = pool.run(&graph! { x = 1; }).err();
                list.lock().unwrap().push(error.map(|it| it.to_string()));
            }
        };
        let pool = Pool::builder()
            .processes(1)
            .observe(observer)
            .build()
            .unwrap();
        *own.lock().unwrap() = Some(pool.clone());
        assert_eq!(pool.run(&graph! { a = 1; }).unwrap().a, Ok(1));
        let error = errors.lock().unwrap()[0].clone().unwrap();
        assert!(error.starts_with("this pool is running"), "{error}");
        // Outside of the observer, the thread may use the pool.
        assert_eq!(pool.run(&graph! { a = 2; }).unwrap().a, Ok(2));
        own.lock().unwrap().take();
    });
}
