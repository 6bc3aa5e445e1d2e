//! Graphs of some outputs and the tasks that they need.

use ampeg::{ErrorKind, Graph, TaskErrorKind, graph};
use isolated::isolated;

mod isolated;

graph! {
    fn shards(n: usize) -> Shards {
        base = n;
        pub first: usize = base + 1;
        shard[s in 0..n]: {
            part[i in 0..2] = base * 10 * s + i;
            pub sum: usize = part.iter().sum();
            pub row[i in 0..2]: usize = part[i];
        }
        pub total: usize = shard.sum.into_iter().sum();
        pub chain[i in 0..4]: usize = if i == 0 { base } else { chain[i - 1] + 1 };
    }
}

fn names<V>(graph: &Graph<V>) -> Vec<String> {
    let tasks = graph.task_graph().unwrap();
    let names = tasks.task_ids().map(|task| tasks.name(task).to_owned());
    names.collect()
}

#[test]
fn part_has_what_its_outputs_need_and_nothing_else() {
    let graph = shards(3);
    let part = graph.only(&["first", "shard[1].sum"]).unwrap();
    let expected = [
        "base",
        "first",
        "shard[1].part[0]",
        "shard[1].part[1]",
        "shard[1].sum",
    ];
    assert_eq!(names(&part), expected);
    assert_eq!(
        names(&graph.only(&["chain[2]"]).unwrap()),
        ["base", "chain[0]", "chain[1]", "chain[2]"]
    );
    assert_eq!(
        names(&graph.only(&["shard.sum"]).unwrap()),
        names(&graph.only(&["shard.sum", "shard[2].sum"]).unwrap())
    );
    assert_eq!(names(&graph.only(&["shard"]).unwrap()).len(), 1 + 3 * 5);
    let all = ["first", "shard", "total", "chain"];
    assert_eq!(names(&graph.only(&all).unwrap()), names(&graph));
    assert!(names(&graph.only(&[]).unwrap()).is_empty());
}

#[test]
fn outputs_that_are_left_out_say_so() {
    isolated(|| {
        let part = shards(3).only(&["chain[1]", "shard[2]", "total"]).unwrap();
        let (inline, processes) = (part.run_inline().unwrap(), part.run(2).unwrap());
        for outcome in [inline, processes] {
            assert_eq!(outcome.chain[1], Ok(4));
            assert_eq!(outcome.total, Ok(183));
            assert_eq!(
                (&outcome.shard[2].sum, &outcome.shard[2].row[1]),
                (&Ok(121), &Ok(61))
            );
            // These tasks are computed, but `only` does not name them.
            let left_out = [&outcome.first, &outcome.shard[0].sum, &outcome.chain[0]];
            for result in left_out {
                assert_eq!(*result.as_ref().unwrap_err().kind(), TaskErrorKind::LeftOut);
            }
            let error = outcome.into_values().err().unwrap();
            assert_eq!(error.task(), "first");
            assert!(error.to_string().ends_with("was left out by `Graph::only`"));
        }
        let nothing = shards(2).only(&[]).unwrap().run(2).unwrap();
        assert!(nothing.first.is_err() && nothing.chain.iter().all(Result::is_err));
    });
}

#[test]
fn parts_of_parts_and_other_costs_go_together() {
    let graph = shards(2).only(&["total", "first"]).unwrap();
    let outcome = graph.run_inline().unwrap();
    let costs = outcome.report().measured_costs();
    let again = graph
        .with_costs(&costs)
        .merge_duplicates()
        .only(&["first"])
        .unwrap();
    assert_eq!(names(&again), ["base", "first"]);
    assert_eq!(again.run_inline().unwrap().first, Ok(3));
    // An output that was left out is no output any more.
    assert!(graph.only(&["chain"]).is_err());
}

#[test]
fn name_of_no_output_is_an_error_that_lists_them() {
    let graph = shards(2);
    for (name, expected) in [
        (
            "firs",
            "no output is named `firs`: the outputs are `first`, `shard.sum`",
        ),
        ("shard[7]", "no output is named `shard[7]`"),
        ("fir", "no output is named `fir`"),
        ("", "no output is named ``"),
        (
            "base",
            "`base` is a task but not an output: write `pub` before it",
        ),
        ("shard.part", "`shard.part` is a task but not an output"),
    ] {
        let error = graph.only(&[name]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidGraph);
    }
    let cost = -1.0;
    assert!(graph! { a = 1 @ cost; }.only(&["a"]).is_err());
}
