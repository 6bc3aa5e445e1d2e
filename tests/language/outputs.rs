//! The outputs of a graph, and their values.

use crate::{Everywhere, Once, add, square};
use ampeg::{Graph, Outcome, Values, graph};

#[test]
fn every_task_is_an_output_without_pub() {
    let outcome = graph! { a = square(1); b = a + 1; }.everywhere();
    assert_eq!((&outcome.a, &outcome.b), (&Ok(1), &Ok(2)));
}

#[test]
fn pub_tasks_are_the_outputs() {
    let graph = graph! {
        a = square(1);
        /// The sum,
        /// which is documented.
        pub sum = add(a, 1);
        pub r#type = "raw".to_owned();
        _ignored = 3;
    };
    let outcome = graph.everywhere();
    assert_eq!(outcome.sum, Ok(2));
    let values = outcome.into_values().unwrap();
    assert_eq!((values.sum, values.r#type.as_str()), (2, "raw"));
}

#[test]
fn results_are_moved_out_one_by_one() -> Result<(), ampeg::Error> {
    let n = 2;
    let outcome = graph! {
        text = Once(vec![1]);
        part[i in 0..n] = Once(vec![i]);
        left: { one = Once(vec![2]); bad: u8 = "x".parse()?; };
        row[i in 0..n]: { x = Once(vec![i]); };
    }
    .everywhere();
    assert_eq!(outcome.report().attempts().len(), 7);
    let text: Once = outcome.text?;
    let parts: Vec<Once> = outcome.part.into_iter().collect::<Result<_, _>>()?;
    let (one, bad) = (outcome.left.one?, outcome.left.bad);
    let mut rows = outcome.row.into_iter();
    let x = rows.next().unwrap().x?;
    assert_eq!(
        (text, one, x),
        (Once(vec![1]), Once(vec![2]), Once(vec![0]))
    );
    assert_eq!(parts, [Once(vec![0]), Once(vec![1])]);
    assert_eq!(bad.unwrap_err().task(), "left.bad");
    // The report is a field, which remains when results have been moved out.
    assert_eq!(outcome.report.attempts().len(), 7);
    Ok(())
}

#[test]
fn failed_tasks_are_errors_of_functions_that_run_graphs() {
    fn one() -> Result<u8, ampeg::Error> {
        Ok(graph! { a: u8 = "x".parse()?; b = a + 1; }
            .run_inline()?
            .b?)
    }
    fn all() -> Result<u8, ampeg::Error> {
        let graph = graph! { a: u8 = "x".parse()?; b = a + 1; };
        Ok(graph.run_inline()?.into_values()?.b)
    }
    for error in [one().unwrap_err(), all().unwrap_err()] {
        let message = error.to_string();
        assert!(
            message.contains("task `a` (tests/language/outputs.rs:"),
            "{message}"
        );
        assert!(
            message.ends_with("failed: invalid digit found in string"),
            "{message}"
        );
    }
}

#[test]
fn any_graph_runs_in_a_generic_function() {
    fn run<V: Values>(graph: &Graph<V>) -> (V, usize) {
        let outcome = graph.run_inline().unwrap();
        let n = outcome.report().attempts().len();
        (outcome.into_values().unwrap(), n)
    }
    let (values, n) = run(&graph! { a = 1; b = a + 1; });
    assert_eq!((values.a, values.b, n), (1, 2, 2));
}

#[test]
fn outcome_has_names_that_are_also_its_methods() {
    let outcome = graph! { report = 1; outcome = 2; into_values = 3; ampeg_results = 4; }
        .run_inline()
        .unwrap();
    assert_eq!((&outcome.report, &outcome.outcome), (&Ok(1), &Ok(2)));
    assert_eq!(outcome.report().attempts().len(), 4);
    assert_eq!(outcome.into_values().unwrap().into_values, 3);
}
