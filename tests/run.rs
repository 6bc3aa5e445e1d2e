//! Whole runs on real worker processes, each in a process of its own.

#![deny(warnings)]

mod isolated;

use ampeg::schedule::{Policy, Processors, Schedule};
use ampeg::{Pool, TaskErrorKind, graph};
use isolated::{isolated, isolated_with, killed_when_ready};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

fn square(x: i64) -> i64 {
    x * x
}

fn spin(_: ()) -> u32 {
    loop {
        std::hint::black_box(0);
    }
}

fn nap(milliseconds: u64) -> u32 {
    std::thread::sleep(Duration::from_millis(milliseconds));
    std::process::id()
}

/// Connects to `address` to show that the task runs, and then sleeps for a long time.
fn ring_and_nap(address: SocketAddr, _: u32) -> u32 {
    TcpStream::connect(address).unwrap();
    nap(600_000)
}

//  a(9)   b(16)   h(5)
//   │ └─────┬──────┼──┐
//   └────┐  c(25)  │  │
//        └── d(45) ┘  │
//             e = c-d
#[test]
fn six_tasks_on_any_number_of_processes() {
    isolated(|| {
        for processes in 1..=6 {
            let graph = graph! {
                a = square(3) @ 10.8;
                b = square(4) @ 10.8;
                h = 10 / 2 @ 11;
                c = a + b @ 10.7 via 1;
                d = a * h @ 10.8 via 1;
                e = c - d @ 10.9 via 1;
            };
            let values = graph.run(processes).unwrap().into_values().unwrap();
            assert_eq!(
                (values.a, values.b, values.h, values.c, values.d, values.e),
                (9, 16, 5, 25, 45, -20)
            );
        }
    });
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle { radius: f64 },
    Named(String, Box<Shape>),
}

#[test]
fn processes_threads_and_this_thread_agree() {
    isolated(|| {
        let (names, radius) = (["one", "two"].map(String::from), Some(2.5));
        let graph = graph! {
            circle = Shape::Circle { radius: radius.unwrap_or(1.0) };
            named = names.map(|name| Shape::Named(name, Box::new(circle.clone())));
            by_name: BTreeMap<String, Shape> = named.iter().map(|it| match it {
                Shape::Named(name, shape) => (name.clone(), (**shape).clone()),
                other => (format!("{other:?}"), Shape::Point),
            }).collect();
            area = if let Some(Shape::Circle { radius }) = by_name.get("two") { radius * radius } else { 0.0 };
            all = (named, by_name, area, ());
        };
        let expected = graph.run_inline().unwrap().into_values().unwrap();
        assert_eq!(expected.area, 6.25);
        let on_processes = graph.run(3).unwrap().into_values().unwrap();
        assert_eq!(on_processes.all, expected.all);
        let threads = Pool::builder().threads(3).build().unwrap();
        let on_threads = threads.run(&graph).unwrap().into_values().unwrap();
        assert_eq!(on_threads.all, expected.all);
    });
}

#[test]
fn workers_are_other_processes_and_are_kept() {
    isolated(|| {
        let graph = graph! { a = nap(20); b = nap(20); c = nap(20); };
        let pool = Pool::new(3).unwrap();
        let run = || {
            let values = pool.run(&graph).unwrap().into_values().unwrap();
            BTreeSet::from([values.a, values.b, values.c])
        };
        let workers = run();
        assert_eq!((workers.len(), pool.n_workers()), (3, 3));
        assert!(!workers.contains(&std::process::id()));
        assert_eq!(run(), workers);
    });
}

#[test]
fn worker_has_statics_of_its_own() {
    isolated(|| {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        COUNT.store(100, Ordering::Relaxed);
        let pool = Pool::new(1).unwrap();
        let graph = graph! { count = COUNT.fetch_add(1, Ordering::Relaxed); };
        let count = || pool.run(&graph).unwrap().into_values().unwrap().count;
        assert_eq!((count(), count()), (0, 1));
        assert_eq!(COUNT.load(Ordering::Relaxed), 100);
    });
}

#[test]
fn schedule_by_hand_is_followed() {
    isolated(|| {
        let graph = graph! {
            a = nap(1);
            b = (nap(1), a).0;
            c = (nap(1), b).0;
        };
        let tasks = graph.task_graph().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| tasks.find(name).unwrap());
        let two = Processors::new(2).unwrap();
        let schedule = Schedule::from_order(tasks, &two, &[vec![b], vec![a, c]]).unwrap();
        let pool = Pool::new(2).unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        let workers = [a, b, c].map(|task| outcome.report().attempt(task).unwrap().worker.index());
        assert_eq!(workers, [1, 0, 1]);
        assert_eq!(outcome.report().transfers().len(), 2);
        let values = outcome.into_values().unwrap();
        assert!(values.a == values.c && values.a != values.b);

        let error = Pool::new(1)
            .unwrap()
            .run_schedule(&graph, &schedule)
            .unwrap_err();
        assert!(error.to_string().contains("needs 2 workers"), "{error}");
        let other = graph! { a = 1; };
        assert!(pool.run_schedule(&other, &schedule).is_err());
    });
}

#[test]
fn every_policy_runs() {
    isolated(|| {
        let graph =
            graph! { a = square(2) @ 3; b = a + 1 via 2; c = a + 2; d = b * c @ 2 via { b: 1 }; };
        for policy in [Policy::Heft, Policy::Cpop, Policy::Peft, Policy::Fast] {
            let pool = Pool::builder()
                .processes(2)
                .speeds([1.0, 2.0])
                .policy(policy)
                .build();
            assert_eq!(pool.unwrap().run(&graph).unwrap().d, Ok(30), "{policy:?}");
        }
    });
}

#[test]
fn large_results_and_captures_cross_in_both_directions() {
    isolated(|| {
        let numbers: Vec<u64> = (0..500_000).collect();
        let graph = graph! {
            left = numbers.iter().map(|it| it + 1).collect::<Vec<_>>();
            right = numbers.iter().map(|it| it * 2).collect::<Vec<_>>();
            left_again = right.iter().rev().copied().collect::<Vec<_>>();
            right_again = left.iter().rev().copied().collect::<Vec<_>>();
            pub sums = [left_again, right_again].map(|it| it.iter().sum::<u64>());
            pub back = left;
        };
        let tasks = graph.task_graph().unwrap();
        let [left, right, left_again, right_again, sums, back] =
            ["left", "right", "left_again", "right_again", "sums", "back"]
                .map(|name| tasks.find(name).unwrap());
        let lists = [vec![left, left_again, sums], vec![right, right_again, back]];
        let schedule = Schedule::from_order(tasks, &Processors::new(2).unwrap(), &lists).unwrap();
        let values = Pool::new(2)
            .unwrap()
            .run_schedule(&graph, &schedule)
            .unwrap();
        let values = values.into_values().unwrap();
        assert_eq!(values.sums, [249_999_500_000, 125_000_250_000]);
        assert_eq!(
            (values.back.len(), values.back[499_999]),
            (500_000, 500_000)
        );
    });
}

#[test]
fn numbers_of_workers_out_of_range_are_errors() {
    isolated(|| {
        let graph = graph! { a = 1; };
        let error = graph.run(0).unwrap_err().to_string();
        assert!(error.contains("0 processes"), "{error}");
        assert!(Pool::new(0).is_err());
        assert_eq!(graph.run(50).unwrap().a, Ok(1));
        let empty = graph! {};
        assert!(empty.run(0).is_err());
        assert!(empty.run(3).unwrap().report().attempts().is_empty());
        let two = Pool::builder().processes(2).speeds([1.0]).build();
        assert!(
            two.unwrap_err()
                .to_string()
                .contains("1 speeds are given for 2 workers")
        );
    });
}

#[test]
fn task_may_run_a_graph() {
    isolated(|| {
        let outer = graph! {
            inner = graph! { a = nap(1); b = nap(1); }.run(2)?.into_values().map(|it| [it.a, it.b])?;
            here = nap(1);
        };
        let values = outer.run(2).unwrap().into_values().unwrap();
        assert!(!values.inner.contains(&values.here));
    });
}

#[test]
fn runs_may_be_waited_for_cancelled_and_dropped() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        let quick = graph! { a = 1; b = a + 1; };
        assert_eq!(pool.start(&quick).unwrap().wait().unwrap().b, Ok(2));

        let bell = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bell.local_addr().unwrap();
        let hour = Duration::from_secs(3600);
        // Tasks that ended before a task with a limit are reported before that task starts.
        let endless = graph! { a = 1; b = ring_and_nap(address, a) within hour; c = b + 1; };
        let start = Instant::now();
        let run = pool.start(&endless).unwrap();
        bell.accept().unwrap();
        assert!(!run.is_finished());
        run.cancel();
        let outcome = run.wait().unwrap();
        let kind =
            |it: &Result<u32, ampeg::TaskError>| it.as_ref().unwrap_err().root().kind().clone();
        assert_eq!(outcome.a, Ok(1));
        assert_eq!(kind(&outcome.b), TaskErrorKind::Cancelled);
        assert_eq!(kind(&outcome.c), TaskErrorKind::Cancelled);

        drop(pool.start(&endless).unwrap());
        assert_eq!(pool.run(&quick).unwrap().b, Ok(2));
        assert!(start.elapsed() < Duration::from_secs(60));
    });
}

#[test]
fn pool_with_a_timeout_ends_its_runs() {
    isolated(|| {
        let limit = Duration::from_millis(300);
        let pool = Pool::builder().processes(2).timeout(limit);
        let pool = pool.build().unwrap();
        let graph = graph! { a = 1; b = nap(600_000); };
        let outcome = pool.run(&graph).unwrap();
        assert_eq!(outcome.a, Ok(1));
        let error = outcome.b.unwrap_err();
        assert_eq!(*error.kind(), TaskErrorKind::Cancelled);
        let message =
            "was cancelled: its run exceeded the limit of 300ms that `PoolBuilder::timeout` sets";
        assert!(error.to_string().ends_with(message), "{error}");
    });
}

#[test]
fn threads_share_a_pool() {
    isolated(|| {
        let pool = Pool::new(2).unwrap();
        std::thread::scope(|scope| {
            for n in 0..8_i64 {
                let pool = pool.clone();
                scope.spawn(move || {
                    let graph = graph! { a = square(n); b = a + n; };
                    assert_eq!(pool.run(&graph).unwrap().b, Ok(n * n + n));
                });
            }
        });
    });
}

#[test]
fn measured_costs_are_saved_and_fed_back() {
    isolated(|| {
        let graph = graph! { slow = nap(50) @ 1; quick = nap(1) @ 50; both = slow.min(quick); };
        let report = graph.run(2).unwrap().report().clone();
        let saved = serde_json::to_string(&report.measured_costs()).unwrap();
        let costs: ampeg::MeasuredCosts = serde_json::from_str(&saved).unwrap();
        let measured = graph.with_costs(&costs);
        let tasks = measured.task_graph().unwrap();
        let cost = |name| tasks.mean_cost(tasks.find(name).unwrap());
        assert!(cost("slow") >= 0.05 && cost("slow") > cost("quick"));
        assert!(measured.schedule(2).unwrap().makespan().value() >= 0.05);
    });
}

#[test]
fn report_has_workers_and_times() {
    isolated(|| {
        let graph = graph! { first = nap(5); second = (nap(5), first).0; };
        let outcome = graph.run(1).unwrap();
        let report = outcome.report();
        let tasks = report.task_graph();
        let [first, second] =
            ["first", "second"].map(|it| report.attempt(tasks.find(it).unwrap()).unwrap());
        assert!(first.finish >= first.start + Duration::from_millis(5));
        assert!(first.finish <= second.start && second.finish <= report.duration());
        assert!(report.transfers().is_empty() && report.deaths().is_empty());
        let table = report.to_string();
        assert!(
            table.contains("first") && table.contains("run: "),
            "{table}"
        );
        assert!(
            report.to_dot().starts_with("digraph") && graph.to_dot().unwrap().contains("second")
        );
    });
}

#[test]
fn no_worker_outlives_a_killed_program() {
    killed_when_ready(|| {
        let ready = std::env::temp_dir().join("ready");
        let graph = graph! {
            a = std::fs::write(&ready, "").map_err(|it| it.to_string())?;
            busy = spin(a);
            asleep = nap(600_000);
            late = asleep + busy;
        };
        let _ = graph.run(3);
    });
}

fn forever() -> u8 {
    loop {
        std::hint::spin_loop();
    }
}

#[test]
fn start_returns_while_another_run_is_under_way() {
    isolated(|| {
        let pool = Pool::new(1).unwrap();
        let endless = graph! { a = forever(); };
        let first = pool.start(&endless).unwrap();
        let second = pool.start(&graph! { x = 1; }).unwrap();
        first.cancel();
        assert!(first.wait().unwrap().a.is_err());
        assert_eq!(second.wait().unwrap().x, Ok(1));
    });
}

#[test]
fn task_sees_the_arguments_of_its_program() {
    isolated(|| {
        let graph = graph! { arguments = std::env::args().collect::<Vec<_>>(); };
        let here: Vec<_> = std::env::args().collect();
        assert_eq!(graph.run(1).unwrap().arguments, Ok(here));
    });
}

/// The number of processes that four tasks ran on.
fn processes() -> Result<usize, ampeg::Error> {
    let graph = graph! { pid[i in 0..4] = { let _ = i; std::process::id() }; };
    let outcome = graph.run_default()?;
    let pids: Result<BTreeSet<u32>, _> = outcome.pid.into_iter().collect();
    Ok(pids?.len())
}

#[test]
fn number_of_workers_is_that_of_processors_if_none_is_given() {
    isolated(|| {
        let present = std::thread::available_parallelism().unwrap().get();
        assert_eq!(processes().unwrap(), present.min(4));
    });
}

#[test]
fn number_of_workers_may_come_from_the_environment() {
    isolated_with(("AMPEG_WORKERS", "3"), || {
        assert_eq!(processes().unwrap(), 3);
        assert_eq!(Pool::builder().build().unwrap().n_workers(), 3);
        assert_eq!(Pool::new(1).unwrap().n_workers(), 1);
    });
}

#[test]
fn number_in_the_environment_that_is_none_is_an_error() {
    isolated_with(("AMPEG_WORKERS", "many"), || {
        let errors = [
            processes().unwrap_err(),
            Pool::builder().build().unwrap_err(),
        ];
        for error in errors {
            let expected = "the environment variable `AMPEG_WORKERS` is `many`, but must be a number from 1 to 65536";
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(graph! { a = 1; }.run(1).unwrap().a, Ok(1));
    });
}
