//! Graphs with some given results.

use ampeg::{Error, ErrorKind, Graph, Pool, Shared, Values, graph};
use isolated::isolated;
use std::os::unix::ffi::OsStringExt;

mod isolated;

fn names<V>(graph: &Graph<V>) -> Vec<String> {
    let tasks = graph.task_graph().unwrap();
    let names = tasks.task_ids().map(|task| tasks.name(task).to_owned());
    names.collect()
}

/// The outcomes inline, on threads, and twice on one pool of processes.
fn outcomes<V: Values>(graph: &Graph<V>) -> Vec<V::Outcome> {
    let threads = Pool::builder().threads(2).build().unwrap();
    let processes = Pool::new(2).unwrap();
    vec![
        graph.run_inline().unwrap(),
        threads.run(graph).unwrap(),
        processes.run(graph).unwrap(),
        processes.run(graph).unwrap(),
    ]
}

fn never<T>(_: &str) -> T {
    panic!("this task must not run")
}

#[test]
fn given_results_are_used_and_their_tasks_do_not_run() {
    isolated(|| {
        let large: Vec<u64> = (0..100_000).collect();
        let graph = graph! {
            raw: f64 = never("raw");
            pub mean: f64 = raw / never::<f64>("mean") retry 3 within std::time::Duration::from_secs(1);
            list: Vec<u64> = never("list");
            pair: (String, Vec<u64>) = never("pair");
            shared: Shared<[u64]> = never("shared");
            part[i in 0..3]: usize = if i == 1 { never("part") } else { i };
            pub scaled = mean * 10.0;
            pub last = *list.last().unwrap();
            pub text = pair.0.clone();
            pub far[i in 0..2] = shared[i + 5] + i as u64;
            pub sum: usize = part.iter().sum();
        };
        let graph = graph
            .with_value("mean", 2.5)
            .and_then(|it| it.with_value("list", large.clone()))
            .and_then(|it| it.with_value("pair", ("text".to_owned(), large.clone())))
            .and_then(|it| it.with_value("shared", Shared::from(&large[..])))
            .and_then(|it| it.with_value("part[1]", 40_usize))
            .unwrap();
        assert!(!names(&graph).contains(&"raw".to_owned()));
        for outcome in outcomes(&graph) {
            assert_eq!((outcome.mean, outcome.scaled), (Ok(2.5), Ok(25.0)));
            assert_eq!(
                (outcome.last, outcome.text),
                (Ok(99_999), Ok("text".into()))
            );
            assert_eq!(outcome.far, [Ok(5), Ok(7)]);
            assert_eq!(outcome.sum, Ok(42));
        }
    });
}

#[test]
fn tasks_that_only_a_given_task_needs_are_left_out() {
    let graph = graph! {
        a = 1;
        b = a + 1;
        c = b + a;
        pub d = c + 1;
        pub e = d + a;
        pub alone = 5;
    };
    let given = graph.with_value("c", 9).unwrap();
    assert_eq!(names(&given), ["a", "c", "d", "e", "alone"]);
    let given = given.with_value("a", 5).unwrap();
    let outcome = given.run_inline().unwrap();
    assert_eq!((outcome.d, outcome.e), (Ok(10), Ok(15)));
    let given = given.with_value("d", 100).unwrap();
    assert_eq!(names(&given), ["a", "d", "e", "alone"]);
    let outcome = given.run_inline().unwrap();
    assert_eq!((outcome.d, outcome.e), (Ok(100), Ok(105)));
    // The first graph is unchanged.
    assert_eq!(graph.run_inline().unwrap().e, Ok(5));
    // A value that was given may be given again.
    let again = given.with_value("d", 200).unwrap().only(&["d"]).unwrap();
    assert_eq!(names(&again), ["d"]);
    assert_eq!(again.run_inline().unwrap().d, Ok(200));
}

#[test]
fn given_results_survive_merging_costs_and_deaths() {
    isolated(|| {
        let file = std::env::temp_dir().join("died");
        let died = file.clone();
        let graph = graph! {
            a = "text".len();
            b = "text".len();
            pub c = {
                if std::fs::File::create_new(&file).is_ok() {
                    std::process::abort();
                }
                a * 10 + b
            } retry 1;
        };
        let given = graph.with_value("b", 7_usize).unwrap();
        let merged = given.merge_duplicates();
        assert_eq!(names(&merged), ["a", "b", "c"]);
        let outcome = merged.run(1).unwrap();
        assert_eq!(outcome.c, Ok(47));
        std::fs::remove_file(died).unwrap();
        let costs = outcome.report().measured_costs();
        // The worker dies once more.
        assert_eq!(merged.with_costs(&costs).run(2).unwrap().c, Ok(47));
        std::fs::remove_file(std::env::temp_dir().join("died")).unwrap();
    });
}

#[test]
fn values_that_cannot_be_used_are_errors() {
    let graph = graph! {
        mean: f64 = 1.0;
        part[i in 0..3] = i;
        total = mean + part[0] as f64;
    };
    let error = |graph: Result<_, Error>| graph.err().unwrap();
    let errors = [
        (
            error(graph.with_value("mean", 2)),
            "the value for `mean` cannot be used: it is of the type `i32`, and the result of the task is of the type `f64`",
        ),
        (
            error(graph.with_value("part", 2)),
            "the value for `part` cannot be used: several tasks have this name, and a value is that of one: `part[0]`, \
             for example",
        ),
        (
            error(graph.with_value("part[3]", 2)),
            "the value for `part[3]` cannot be used: the graph has no task of this name",
        ),
        (
            error(graph.with_value("", 2.0)),
            "the value for `` cannot be used: the graph has no task of this name",
        ),
    ];
    for (error, expected) in errors {
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::InvalidGraph);
    }
    // This value cannot be encoded.
    let graph = graph! { list: Vec<std::path::PathBuf> = Vec::new(); };
    let path = std::path::PathBuf::from(std::ffi::OsString::from_vec(vec![0xff]));
    let error = graph.with_value("list", vec![path]).err().unwrap();
    let expected = "the value for `list` cannot be used: path contains invalid UTF-8 characters";
    assert_eq!(error.to_string(), expected);
    // This graph is not valid.
    let cost = -1.0;
    assert!(graph! { a = 1 @ cost; }.with_value("a", 1).is_err());
}
