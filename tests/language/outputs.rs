//! Which tasks are outputs, and what comes back.

use crate::{Everywhere, add, square};
use ampeg::graph;

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
fn outcome_has_names_that_are_also_its_methods() {
    let outcome = graph! { report = 1; outputs = 2; into_values = 3; }
        .run_inline()
        .unwrap();
    assert_eq!((&outcome.report, &outcome.outputs), (&Ok(1), &Ok(2)));
    assert_eq!(outcome.into_values().unwrap().into_values, 3);
}
