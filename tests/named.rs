//! Graphs whose values have a name.

#![allow(clippy::cast_precision_loss, reason = "lists are short")]

use ampeg::{Graph, Outcome, Pool, TaskError, Values, graph};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    slope: f64,
    offset: f64,
}

fn mean(xs: &[f64]) -> f64 {
    xs.iter().sum::<f64>() / xs.len() as f64
}

graph! {
    /// A line through the points, and how good it is.
    #[derive(Debug, Clone, PartialEq)]
    fn fit(xs: &[f64], ys: &[f64], folds: usize) -> Fit {
        mean_x = mean(xs) @ 1;
        part[k in 0..folds] = (xs[k] - ys[k]).abs() @ 3;
        /// Slope and offset.
        pub line: Line = Line { slope: mean(ys) / mean_x, offset: xs.len() as f64 } @ 5;
        pub errors: Vec<f64> = part;
        pub error[k in 0..folds]: f64 = part[k];
    }

    fn second(n: i64) -> Second {
        pub report: i64 = n + 1;
    }
}

#[test]
fn named_graph_is_a_function_with_a_struct_of_values() {
    let (xs, ys) = (vec![1.0, 2.0, 3.0], vec![2.0, 4.0, 6.0]);
    let graph: Graph<Fit> = fit(&xs, &ys, 2);
    let outcome: FitOutcome = graph.run(2).unwrap();
    assert_eq!(outcome.report.attempts().len(), 7);
    let line: Line = outcome.line.unwrap();
    assert_eq!(line.slope, 2.0);
    assert_eq!(outcome.error[1], Ok(2.0));
    let fit: Fit = graph.run_inline().unwrap().into_values().unwrap();
    let expected = Fit {
        line,
        errors: vec![1.0, 2.0],
        error: vec![1.0, 2.0],
    };
    assert_eq!(fit.clone(), expected);
}

#[test]
fn output_may_have_the_name_report() {
    let outcome = second(1).run(1).unwrap();
    assert_eq!(outcome.report, Ok(2));
    assert_eq!(outcome.ampeg_report.attempts().len(), 1);
    assert_eq!(outcome.report().attempts().len(), 1);
}

mod groups {
    use super::*;

    graph! {
        #[derive(Debug, PartialEq)]
        fn nested<T, const N: usize>(values: &[T]) -> Nested<T>
        where
            T: Serialize + DeserializeOwned + Clone + Send + 'static,
        {
            pub first: T = values[0].clone();
            shard[s in 0..N]: {
                part[i in 0..s]: usize = 10 * s + i;
                pub sum: usize = part.iter().sum();
                last_value: {
                    pub value: T = values[s].clone();
                    pub cells[i in 0..s, j in 0..2]: usize = i + j;
                }
            }
            pub end: usize = shard.sum.into_iter().sum();
        }
    }

    #[test]
    fn groups_have_structs_of_their_own() {
        let words: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let graph = nested::<_, 3>(&words);
        let outcome = graph.run(2).unwrap();
        let shard: &NestedShardOutcome<String> = &outcome.shard[2];
        assert_eq!(shard.sum, Ok(41));
        assert_eq!(
            shard.report.attempts().len(),
            outcome.report.attempts().len()
        );
        let values = outcome.into_values().unwrap();
        assert_eq!((values.first.as_str(), values.end), ("a", 51));
        let last = &values.shard[1];
        let expected = NestedShard {
            sum: 10,
            last_value: NestedShardLastValue {
                value: "b".to_owned(),
                cells: vec![vec![0, 1]],
            },
        };
        assert_eq!(*last, expected);
        assert!(
            format!("{:?}", graph.run_inline().unwrap())
                .contains("NestedShardOutcome { sum: Ok(0)")
        );
    }
}

/// The fields are in another order than the outputs.
#[derive(Debug, PartialEq, Values)]
struct Own {
    #[values(group)]
    row: Vec<Row>,
    b: String,
    #[values(family = 2)]
    cell: Vec<Vec<i64>>,
    #[values(group)]
    left: Row,
    list: Vec<u8>,
}

#[derive(Debug, PartialEq, Values)]
struct Row {
    name: &'static str,
    n: i64,
}

struct Maker {
    size: i64,
}

impl Maker {
    fn own(&self) -> Graph<Own> {
        graph! {
            -> Own;
            list = vec![1, 2];
            left: { n = 7; name = "left"; }
            cell[i in 0..self.size, j in 0..i] = 10 * i + j;
            b = format!("{}", list.len());
            row[i in 0..2]: { n = i; name = "row"; }
        }
    }
}

#[test]
fn struct_of_the_program_is_filled_by_name() {
    let values = Maker { size: 3 }
        .own()
        .run(2)
        .unwrap()
        .into_values()
        .unwrap();
    let expected = Own {
        row: vec![Row { name: "row", n: 0 }, Row { name: "row", n: 1 }],
        b: "2".to_owned(),
        cell: vec![vec![], vec![10], vec![20, 21]],
        left: Row { name: "left", n: 7 },
        list: vec![1, 2],
    };
    assert_eq!(values, expected);
}

#[derive(Values)]
struct Kept {
    value: i64,
}

/// A graph can be stored, and a generic function runs it.
struct Step {
    graph: Graph<Kept>,
    pool: Pool,
}

fn run<V: Values>(pool: &Pool, graph: &Graph<V>) -> Result<V, TaskError> {
    pool.run(graph).unwrap().into_values()
}

#[test]
fn graphs_are_stored_and_given_to_generic_functions() {
    let step = Step {
        graph: graph! { -> Kept; half = 21; pub value = 2 * half; },
        pool: Pool::new(1).unwrap(),
    };
    for _ in 0..2 {
        assert_eq!(run(&step.pool, &step.graph).unwrap().value, 42);
    }
}

#[test]
fn named_graph_may_stand_in_a_block() {
    graph! {
        fn local(text: &str, f: fn(i64) -> i64) -> Local {
            n = text.len() as i64;
            pub length: i64 = (f)(n);
        }
    }
    let error = local("abc", |n| n / (n - 3)).run(1).unwrap().into_values();
    let Err(error) = error else {
        panic!("division by zero");
    };
    assert_eq!(error.task(), "length");
}

#[test]
fn failures_are_those_of_the_outputs() {
    graph! {
        fn fails(n: i64) -> Fails {
            bad: i64 = Err(format!("no {n}"))?;
            pub good: i64 = n;
            pub sum: i64 = good + bad;
        }
    }
    let outcome = fails(3).run(2).unwrap();
    assert_eq!(outcome.good, Ok(3));
    assert_eq!(outcome.sum.as_ref().unwrap_err().root().task(), "bad");
    assert!(outcome.into_values().is_err());
}
