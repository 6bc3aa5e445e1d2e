//! Graphs of unusual shape or size.

use super::*;
use crate::task_graph::cost::Cost;

const ALL: [Policy; 5] = [
    Policy::Heft,
    Policy::Cpop,
    Policy::Peft,
    Policy::Fast,
    Policy::Search(Search::for_iterations(100)),
];

fn chain(n_tasks: usize) -> TaskGraph {
    let mut builder = TaskGraph::builder();
    for index in 0..n_tasks {
        let task = builder.add_task(index, Cost::ONE);
        if index > 0 {
            builder.add_dependency(TaskId::new(index - 1), task, Cost::ONE);
        }
    }
    builder.build().unwrap()
}

#[test]
fn empty_graph_has_an_empty_schedule() {
    let graph = TaskGraph::builder().build().unwrap();
    for policy in ALL {
        assert_eq!(makespan(policy, &graph, 3), 0.0);
    }
    let bounds = LowerBounds::new(&graph, &Processors::new(2).unwrap()).unwrap();
    assert_eq!(bounds.best(), Time::ZERO);
}

#[test]
fn one_processor_takes_the_sum() {
    let graph = TaskGraph::builder()
        .task("a", 1)
        .task("b", 2)
        .task("c", 3)
        .dependency("a", "c", 100)
        .build()
        .unwrap();
    for policy in ALL {
        assert_eq!(makespan(policy, &graph, 1), 6.0);
    }
}

#[test]
fn independent_tasks_each_get_a_processor() {
    let mut builder = TaskGraph::builder();
    for index in 0..4 {
        builder.add_task(index, Cost::ONE);
    }
    let graph = builder.build().unwrap();
    for policy in [Policy::Heft, Policy::Peft, Policy::Fast] {
        assert_eq!(makespan(policy, &graph, 9), 1.0);
    }
}

#[test]
fn costs_of_zero_take_no_time() {
    let graph = chain(50).with_costs(|_| Cost::ZERO, |_, _| Cost::ZERO);
    for policy in ALL {
        assert_eq!(makespan(policy, &graph, 2), 0.0);
    }
}

#[test]
fn costs_at_the_upper_end_do_not_overflow() {
    let graph = chain(20).with_costs(|_| Cost::MAX, |_, _| Cost::MAX);
    for policy in ALL {
        let makespan = makespan(policy, &graph, 3);
        assert!((makespan / 2e101 - 1.0).abs() < 1e-12, "{makespan}");
    }
}

#[test]
fn too_few_cost_columns_are_an_error() {
    let graph = topcuoglu();
    let error = Policy::Heft
        .schedule(&graph, &Processors::new(4).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the graph has costs for 3 processors, too few for 4"
    );
}

#[test]
fn deep_chain_needs_no_recursion() {
    let graph = chain(100_000);
    for policy in [Policy::Heft, Policy::Cpop, Policy::Fast] {
        assert_eq!(makespan(policy, &graph, 4), 100_000.0);
    }
}

#[test]
fn a_million_dependencies_fit() {
    let mut builder = TaskGraph::builder();
    let (n_layers, width) = (11, 300);
    for index in 0..n_layers * width {
        builder.add_task(index, Cost::ONE);
    }
    for layer in 1..n_layers {
        for from in 0..width {
            for to in 0..width {
                let [from, to] = [(layer - 1) * width + from, layer * width + to].map(TaskId::new);
                builder.add_dependency(from, to, Cost::ZERO);
            }
        }
    }
    let graph = builder.build().unwrap();
    assert_eq!(graph.n_dependencies(), 900_000);
    assert_eq!(makespan(Policy::Heft, &graph, 3), 1100.0);
}

#[test]
fn faster_processor_is_preferred() {
    let graph = chain(10);
    let processors = Processors::with_speeds([1.0, 4.0]).unwrap();
    let schedule = Policy::Heft.schedule(&graph, &processors).unwrap();
    assert_eq!(schedule.makespan().value(), 2.5);
    assert_eq!(schedule.slots(ProcessorId::new(1)).len(), 10);
}
