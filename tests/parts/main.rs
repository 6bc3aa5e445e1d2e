//! Parts of results: only parts are sent, and results are the same everywhere.

#![deny(warnings)]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "../isolated/mod.rs"]
mod isolated;
mod places;

use ampeg::schedule::{Processors, Schedule};
use ampeg::{Graph, Outcome, Pool, Shared, TaskErrorKind, Values, graph};
use fastrand::Rng;
use isolated::isolated;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Table {
    name: String,
    rows: Vec<Vec<f64>>,
    size: (usize, usize),
    note: Option<String>,
    tag: &'static str,
}

fn table(n_rows: usize, n_columns: usize) -> Table {
    let row = |i| (0..n_columns).map(|j| (i * n_columns + j) as f64).collect();
    Table {
        name: "table".into(),
        rows: (0..n_rows).map(row).collect(),
        size: (n_rows, n_columns),
        note: Some("a note".into()),
        tag: "tag",
    }
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// A schedule with each task on a worker of its own, so that every result is sent to another worker.
fn spread<O>(graph: &Graph<O>) -> Schedule {
    let tasks = graph.task_graph().unwrap();
    let lists: Vec<_> = tasks.task_ids().map(|task| vec![task]).collect();
    let processors = Processors::new(lists.len()).unwrap();
    Schedule::from_order(tasks, &processors, &lists).unwrap()
}

/// A schedule on two workers, with `_table` on one of them and all other tasks on the other.
fn table_alone<O>(graph: &Graph<O>) -> Schedule {
    let tasks = graph.task_graph().unwrap();
    let (table, others): (Vec<_>, Vec<_>) = tasks
        .task_ids()
        .partition(|&task| tasks.name(task) == "_table");
    Schedule::from_order(tasks, &Processors::new(2).unwrap(), &[table, others]).unwrap()
}

/// The outcome of a graph with each task on a worker of its own, which must equal the outcome inline.
fn spread_out<V>(graph: &Graph<V>) -> V::Outcome
where
    V: Values<Outcome: std::fmt::Debug>,
{
    let pool = Pool::new(graph.task_graph().unwrap().n_tasks()).unwrap();
    let outcome = pool.run_schedule(graph, &spread(graph)).unwrap();
    let inline = graph.run_inline().unwrap();
    assert_eq!(format!("{outcome:?}"), format!("{inline:?}"));
    outcome
}

/// The number of bytes of one task's result that were sent to the worker of another task.
fn sent<V: Values>(graph: &Graph<V>, outcome: &V::Outcome, from: &str, to: &str) -> u64 {
    let tasks = graph.task_graph().unwrap();
    let task = |name: &str| {
        tasks
            .task_ids()
            .find(|&task| tasks.name(task) == name)
            .unwrap()
    };
    let (from, to) = (task(from), task(to));
    let to = spread(graph).slot(to).processor;
    let transfers = outcome.report().transfers();
    let transfer = transfers
        .iter()
        .find(|transfer| transfer.predecessor == from && transfer.to == to);
    transfer.unwrap().bytes
}

#[test]
fn only_the_part_is_sent() {
    isolated(|| {
        let graph = graph! {
            _table = table(1000, 10);
            pub slice = _table.rows[2..5].len();
            pub cell = _table.rows[7][3];
            pub position = _table.size.1 + 1;
            pub text = _table.name.len();
            pub whole = _table.clone().rows.len();
        };
        let outcome = spread_out(&graph);
        let sent = |to| sent(&graph, &outcome, "_table", to);
        assert!(sent("slice") < 3 * (10 * 8 + 8) + 100);
        assert_eq!(sent("cell"), 8);
        assert_eq!(sent("position"), 8);
        assert_eq!(sent("text"), 5);
        assert!(sent("whole") > 80_000);
        let cell = outcome.cell.as_ref().unwrap();
        assert!((cell - 73.0).abs() < 1e-9);
    });
}

#[test]
fn only_the_part_of_each_member_is_sent() {
    isolated(|| {
        let graph = graph! {
            _table[i in 0..3] = table(100 + i, 10);
            pub cell = _table[..].rows[7][3];
            pub size[i in 0..2] = _table[1..].size.1.len() + i;
            pub both = (_table.name, _table[1..].rows[..2], _table[0].rows[0][0]);
            pub whole = _table[..].len();
        };
        let outcome = spread_out(&graph);
        for i in 0..3 {
            let table = format!("_table[{i}]");
            assert_eq!(sent(&graph, &outcome, &table, "cell"), 8);
            assert!(sent(&graph, &outcome, &table, "both") < 5 + 2 * (10 * 8 + 8) + 100);
            assert!(sent(&graph, &outcome, &table, "whole") > 8000);
        }
        assert_eq!(sent(&graph, &outcome, "_table[2]", "size[1]"), 8);
        assert_eq!(outcome.cell.as_ref().unwrap().len(), 3);
        let (names, rows, _) = outcome.both.as_ref().unwrap();
        assert_eq!((names.len(), rows.len(), rows[0].len()), (3, 2, 2));
    });
}

#[test]
fn parts_stand_wherever_places_do() {
    isolated(|| {
        let graph = graph! {
            _table = table(6, 4);
            pub reference = sum(&_table.rows[1]);
            pub receiver = _table.rows[1..3].iter().map(Vec::len).sum::<usize>();
            pub compared = _table.size == (6, 4) && _table.size.0 > 5;
            pub matched = match _table.note { Some(ref note) if note.len() > 3 => note.len(), _ => 0 };
            pub shown = format!("{} of {:?}", _table.name, _table.size);
            pub closure = (0..4).map(|j| _table.rows[2][j]).sum::<f64>();
            pub borrowed = { let rows = &_table.rows; rows.iter().map(|row| row[0]).sum::<f64>() };
            pub cloned = _table.note.clone().unwrap_or_default();
            pub text = _table.name[1..3].to_owned();
            pub fixed = _table.tag.to_uppercase();
            pub prefix = if _table.rows.len() > 9 { _table.rows[9][0] } else { _table.rows[0][1] };
            pub threads = std::thread::scope(|scope| {
                scope.spawn(|| _table.rows[0][1] + _table.size.0 as f64).join().unwrap_or_default()
            });
            pub array = [_table.size.0, _table.size.1];
            pub tuple = (_table.rows[0][3], &_table.rows[5][..2] == [20.0, 21.0]);
        };
        let outcome = spread_out(&graph);
        assert_eq!(outcome.shown, Ok("table of (6, 4)".into()));
        assert_eq!(outcome.prefix, Ok(1.0));
        assert_eq!(outcome.tuple, Ok((3.0, true)));
    });
}

#[test]
fn part_of_a_result_with_one_use_is_moved_out() {
    /// Neither this type nor its content is `Clone`.
    #[derive(Serialize, Deserialize)]
    struct Parcel {
        content: Content,
        weight: f64,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Content(String);
    fn parcel() -> Parcel {
        let content = Content("book".into());
        Parcel {
            content,
            weight: 2.0,
        }
    }
    isolated(|| {
        let graph = graph! {
            _first = parcel();
            _second = parcel();
            _third = parcel();
            _fourth = (vec![1, 2], 3);
            pub content = _first.content;
            pub weight = _second.weight * 2.0;
            pub text = _third.content.0;
            pub list = _fourth.0.into_iter().sum::<i32>();
        };
        let outcome = spread_out(&graph);
        assert_eq!(outcome.content, Ok(Content("book".into())));
        assert_eq!(sent(&graph, &outcome, "_second", "weight"), 8);
        assert_eq!(outcome.list, Ok(3));
    });
}

#[test]
fn brackets_hold_indices_captures_and_constants() {
    const FIRST: usize = 1;
    struct Settings {
        low: usize,
    }
    fn generic<const N: usize>(rows: &[Vec<f64>]) -> f64 {
        let graph = graph! { _rows = rows.to_vec(); pub cell = _rows[N][N]; };
        spread_out(&graph).into_values().unwrap().cell
    }
    isolated(|| {
        let (high, settings, range) = (3, Settings { low: 1 }, 0..2_usize);
        let by_reference = &high;
        let graph = graph! {
            _table = table(6, 4);
            pub row[i in 0..3] = sum(&_table.rows[2 * i + FIRST]);
            pub cell[i in 0..2, j in 0..2] = _table.rows[i][j];
            pub some = _table.rows[settings.low..high].len();
            pub pair = sum(&_table.rows[FIRST][range]);
            pub until = sum(&_table.rows[0][..*by_reference]);
        };
        let values = spread_out(&graph).into_values().unwrap();
        assert_eq!(values.row, [22.0, 54.0, 86.0]);
        assert_eq!(values.cell, [[0.0, 1.0], [4.0, 5.0]]);
        assert_eq!((values.some, values.pair, values.until), (2, 9.0, 3.0));
        let cell = generic::<1>(&[vec![], vec![5.0, 6.0]]);
        assert!((cell - 6.0).abs() < 1e-9);
    });
}

#[test]
fn members_exchange_edges_under_conditions() {
    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Strip {
        edges: [f64; 2],
        _inner: Vec<f64>,
    }
    fn strip(left: f64, right: f64, size: usize) -> Strip {
        Strip {
            edges: [left / 2.0, right / 2.0 + 1.0],
            _inner: vec![left; size],
        }
    }
    isolated(|| {
        let n = 3;
        let graph = graph! {
            strip[0, i in 0..n] = strip(i as f64, 1.0, 100_000);
            strip[t in 1..3, i in 0..n] = {
                let left = if i > 0 { strip[t - 1][i - 1].edges[1] } else { 0.0 };
                let right = if i + 1 < n { strip[t - 1][i + 1].edges[0] } else { 0.0 };
                strip(left, right, 100_000)
            };
            pub last[i in 0..n] = strip[2][i].edges;
        };
        let outcome = spread_out(&graph);
        assert_eq!(sent(&graph, &outcome, "strip[1][0]", "strip[2][1]"), 8);
    });
}

#[test]
fn several_parts_are_sent_together_and_each_once() {
    isolated(|| {
        let graph = graph! {
            _table = table(100, 100);
            pub both = (_table.name.len() + _table.size.0 + _table.size.0) as f64 + sum(&_table.rows[3]);
            pub inner = _table.rows[4].len() + _table.rows[4][2..4].len();
        };
        let graph_of = |n: usize| {
            graph! {
                _table = table(100, 100);
                pub same[i in 0..n] = sum(&_table.rows[7]) + i as f64;
            }
        };
        let outcome = spread_out(&graph);
        let bytes = sent(&graph, &outcome, "_table", "both");
        assert_eq!(bytes, 5 + 8 + 100 * 8);
        assert_eq!(sent(&graph, &outcome, "_table", "inner"), 100 * 8);

        // Ten tasks on one worker that use the same part get it once.
        let graph = graph_of(10);
        let schedule = table_alone(&graph);
        let outcome = Pool::new(2)
            .unwrap()
            .run_schedule(&graph, &schedule)
            .unwrap();
        let bytes: u64 = outcome.report().transfers().iter().map(|it| it.bytes).sum();
        assert_eq!(bytes, 100 * 8);
        let expected: Vec<f64> = (0..10).map(|i| 74_950.0 + f64::from(i)).collect();
        assert_eq!(outcome.into_values().unwrap().same, expected);
    });
}

#[test]
fn many_parts_go_in_several_messages() {
    isolated(|| {
        let n = 300;
        let graph = graph! {
            _table = table(n, 6000);
            pub row[i in 0..n] = sum(&_table.rows[i]) + _table.rows[i][2];
        };
        let schedule = table_alone(&graph);
        let pool = Pool::new(2).unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        let inline = graph.run_inline().unwrap();
        assert_eq!(
            outcome.into_values().unwrap().row,
            inline.into_values().unwrap().row
        );
    });
}

#[test]
fn whole_is_sent_where_it_is_used_or_a_part_cannot_be_sent() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Odd {
        #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
        time: Hidden,
        shared: Shared<[f64]>,
        numbers: Vec<u32>,
    }
    /// A type that cannot be serialized by itself.
    #[derive(Clone)]
    struct Hidden(u64);
    fn seconds<S: Serializer>(hidden: &Hidden, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(hidden.0)
    }
    fn from_seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Hidden, D::Error> {
        u64::deserialize(from).map(Hidden)
    }
    fn odd() -> Odd {
        Odd {
            time: Hidden(7),
            shared: (&*vec![1.0; 100]).into(),
            numbers: vec![3; 50],
        }
    }
    isolated(|| {
        let graph = graph! {
            _odd = odd();
            _shared = Shared::<[f64]>::from(&*vec![2.0; 20_000]);
            pub time = _odd.time.0 + 1;
            pub hidden = { let Hidden(seconds) = &_odd.time; seconds + 2 };
            pub slice = _odd.shared[2..4].len();
            pub far = sum(&_shared[..10_000]);
            pub again = _odd.numbers[3] + { let all = &_odd; all.numbers[4] };
        };
        let outcome = spread_out(&graph);
        let sent = |from, to| sent(&graph, &outcome, from, to);
        assert_eq!(sent("_odd", "time"), 8);
        assert!(sent("_odd", "hidden") > 200, "all of it");
        assert_eq!(sent("_odd", "slice"), 16);
        assert!(
            sent("_shared", "far") < 100,
            "a descriptor, not the numbers"
        );
        assert!(sent("_odd", "again") > 200, "all of it");
    });
}

#[test]
fn missing_part_is_the_fault_of_the_task_that_wants_it() {
    isolated(|| {
        let two = 2;
        let graph = graph! {
            _table = table(3, 2);
            pub good = _table.rows[2][1];
            pub bad = _table.rows[3][1];
            pub empty = _table.rows[two..1].len();
            pub unused = if _table.size.0 > 5 { _table.rows[5].len() } else { 0 };
        };
        let outcome = spread_out(&graph);
        assert_eq!((&outcome.good, &outcome.unused), (&Ok(5.0), &Ok(0)));
        let error = outcome.bad.as_ref().unwrap_err();
        assert_eq!(error.task(), "bad");
        assert!(matches!(error.kind(), TaskErrorKind::Panicked { .. }));
        let text = error.to_string();
        assert!(
            text.contains("index out of bounds") && text.contains("tests/parts/main.rs"),
            "{text}"
        );
        assert_eq!(outcome.empty.as_ref().unwrap_err().task(), "empty");
    });
}

#[test]
fn whole_is_sent_if_the_part_cannot_be_serialized() {
    /// A type that can be serialized only as a field of another type.
    #[derive(Clone, Deserialize)]
    struct Shy(Vec<u8>);
    impl Serialize for Shy {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not by myself"))
        }
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Outer {
        #[serde(serialize_with = "inside")]
        shy: Shy,
    }
    fn inside<S: Serializer>(shy: &Shy, serializer: S) -> Result<S::Ok, S::Error> {
        shy.0.serialize(serializer)
    }
    isolated(|| {
        let graph = graph! {
            _outer = Outer { shy: Shy(vec![1, 2]) };
            pub n = { let shy = &_outer.shy; shy.0.len() };
            pub first = _outer.shy.0[0];
        };
        let values = spread_out(&graph).into_values().unwrap();
        assert_eq!((values.n, values.first), (2, 1));
    });
}

/// Ends its worker in the first call with a file, and returns the value in later calls.
#[cfg(unix)]
fn crash_once(file: &std::path::Path, value: f64) -> f64 {
    if std::fs::File::create_new(file).is_ok() {
        std::process::abort();
    }
    value
}

#[test]
#[cfg(unix)]
fn replacement_of_a_worker_gets_what_it_needs() {
    isolated(|| {
        let files = tempfiles(3);
        let [first, second, third] = &files;
        let graph = graph! {
            _table = table(100, 10);
            pub consumer = crash_once(first, _table.rows[1][1]) retry 1;
            _producer = { crash_once(second, 0.0); table(5, 5) } retry 1;
            pub after = _producer.rows[4][4] + consumer;
            pub late = crash_once(third, after + _table.rows[2][2] + _producer.size.0 as f64) retry 1;
        };
        let pool = Pool::new(graph.task_graph().unwrap().n_tasks()).unwrap();
        let outcome = pool.run_schedule(&graph, &spread(&graph)).unwrap();
        assert_eq!(outcome.report().deaths().len(), 3);
        let values = outcome.into_values().unwrap();
        assert_eq!(
            (values.consumer, values.after, values.late),
            (11.0, 35.0, 62.0)
        );
        for file in files {
            std::fs::remove_file(file).unwrap();
        }
    });
}

#[cfg(unix)]
fn tempfiles<const N: usize>(_: usize) -> [std::path::PathBuf; N] {
    std::array::from_fn(|i| std::env::temp_dir().join(format!("crash{i}")))
}

#[test]
fn random_parts_have_the_same_results_inline() {
    isolated(|| {
        let pool = Pool::new(4).unwrap();
        for seed in 0..40 {
            println!("seed {seed}");
            let mut random = Rng::with_seed(seed);
            let n = random.usize(1..20);
            let rows = random.usize(1..8);
            let columns = random.usize(1..2000);
            let pick = |random: &mut Rng| -> Vec<usize> {
                (0..n).map(|_| random.usize(0..rows)).collect()
            };
            let (low, high) = (pick(&mut random), pick(&mut random));
            let via = if random.bool() { 0.0 } else { 0.5 };
            let (half, parity) = (n / 2, random.usize(0..3));
            let graph = graph! {
                t[k in 0..3] = table(rows, columns + k);
                // Some of these ranges end before they start, and fail.
                pub slice[i in 0..n] = t[0].rows[low[i]..high[i]].len() via via;
                pub row[i in 0..n] = sum(&t[1].rows[low[i]]) via via;
                pub cell[i in 0..n] = if i % 3 == parity { t[2].rows[high[i]][0] } else { t[1].rows[low[i]][0] } via via;
                pub both[i in half..n] = row[i] + t[0].size.1 as f64 + sum(&t[2].rows[low[i]][..1]) via via;
                pub whole = { let first = &t[0]; first.rows.len() };
            };
            let outcome = pool.run(&graph).unwrap();
            let inline = graph.run_inline().unwrap();
            assert_eq!(format!("{outcome:?}"), format!("{inline:?}"));
        }
    });
}
