//! Values whose copies differ: their results depend on the schedule, unless all values are encoded.

use crate::isolated::{isolated, isolated_with};
use ampeg::{Graph, Outcome, Pool, Processors, Schedule, Values, graph};
use serde::{Deserialize, Serialize, Serializer};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;

const ALWAYS: (&str, &str) = ("AMPEG_ALWAYS_ENCODE", "1");

/// Numbers in an order that serde does not keep, as with the arrays of `ndarray`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Vec<f64>")]
struct Grid {
    numbers: Vec<f64>,
    backwards: bool,
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.backwards {
            return serializer.collect_seq(self.numbers.iter().rev());
        }
        self.numbers.serialize(serializer)
    }
}

impl From<Vec<f64>> for Grid {
    fn from(numbers: Vec<f64>) -> Self {
        Self {
            numbers,
            backwards: false,
        }
    }
}

impl Grid {
    fn backwards() -> Self {
        Self {
            numbers: (0..100_u8).map(|n| 1.0 / (1.0 + f64::from(n))).collect(),
            backwards: true,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    calls: Cell<u32>,
    #[serde(skip)]
    cache: RefCell<Option<u32>>,
}

impl Counter {
    fn new() -> Self {
        Self {
            calls: Cell::new(0),
            cache: RefCell::new(Some(7)),
        }
    }

    fn next(&self) -> (u32, Option<u32>) {
        self.calls.set(self.calls.get() + 1);
        (self.calls.get(), self.cache.take())
    }
}

/// The values of a graph inline, on one worker, with each task on a worker of its own, and on threads.
fn everywhere<V: Values + Debug>(graph: &Graph<V>) -> [V; 4] {
    let tasks = graph.task_graph().unwrap();
    let orders: Vec<_> = tasks.task_ids().map(|task| vec![task]).collect();
    let processors = Processors::new(orders.len()).unwrap();
    let apart = Schedule::from_order(tasks, &processors, &orders).unwrap();
    let pool = Pool::new(orders.len()).unwrap();
    let threads = Pool::builder().threads(1).build().unwrap();
    [
        graph.run_inline(),
        graph.run(1),
        pool.run_schedule(graph, &apart),
        threads.run(graph),
    ]
    .map(|outcome| outcome.unwrap().into_values().unwrap())
}

#[test]
fn changes_by_encoding_appear_everywhere_if_all_values_are_encoded() {
    isolated_with(ALWAYS, || {
        let captured = Counter::new();
        let graph = graph! {
            grid = Grid::backwards();
            counter = Counter::new();
            pub is_backwards = grid.backwards;
            pub sum: f64 = grid.numbers.iter().sum();
            pub first = counter.next();
            pub second = counter.next();
            pub third = captured.next();
            pub fourth = captured.next();
        };
        for values in everywhere(&graph) {
            assert!(!values.is_backwards);
            let forwards: f64 = Grid::backwards().numbers.iter().rev().sum();
            assert_eq!(values.sum.to_bits(), forwards.to_bits());
            let all = [values.first, values.second, values.third, values.fourth];
            assert_eq!(all, [(1, None); 4]);
        }
    });
}

#[test]
fn values_that_cannot_be_encoded_fail_everywhere_if_all_are_encoded() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Pair(
        #[serde(skip_serializing_if = "Option::is_none")] Option<u8>,
        u8,
    );
    isolated_with(ALWAYS, || {
        let graph = graph! { pair = Pair(None, 1); pub sum = pair.1; pub other = 2; };
        for outcome in [graph.run(1), graph.run_inline()] {
            let outcome = outcome.unwrap();
            let error = outcome.sum.as_ref().unwrap_err().to_string();
            assert!(error.contains("skip_serializing_if"), "{error}");
            assert_eq!(outcome.other, Ok(2));
        }
    });
}

#[test]
fn parts_moves_and_lists_are_right_if_all_values_are_encoded() {
    isolated_with(ALWAYS, || {
        let graph = graph! {
            lists = vec![vec![1_u8, 2], vec![3]];
            pub taken = { let mut list = lists[0].clone(); list.push(9); list };
            pub moved = { let mut all = lists; all.pop(); all };
            member[i in 0..3] = vec![i; 2];
            pub all = member[..].concat();
            pub nothing: () = drop(member[1]);
        };
        let values = |list: &[u8]| list.to_vec();
        for found in [graph.run(1), graph.run(2), graph.run_inline()] {
            let found = found.unwrap().into_values().unwrap();
            assert_eq!(found.taken, values(&[1, 2, 9]));
            assert_eq!(found.moved, [values(&[1, 2])]);
            assert_eq!(found.all, [0, 0, 1, 1, 2, 2]);
        }
    });
}

#[test]
fn tasks_of_one_worker_otherwise_share_a_value() {
    isolated(|| {
        let graph = graph! {
            counter = Counter::new();
            pub first = counter.next();
            pub second = { let _ = first; counter.next() };
        };
        let [inline, one, apart, threads] = everywhere(&graph);
        for values in [inline, one, threads] {
            assert_eq!((values.first, values.second), ((1, Some(7)), (2, None)));
        }
        assert_eq!((apart.first, apart.second), ((1, None), (1, None)));
    });
}
