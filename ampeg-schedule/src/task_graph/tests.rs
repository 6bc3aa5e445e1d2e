//! Properties of graphs, and the errors of builders.

use super::*;

fn message(builder: TaskGraphBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn dependencies_are_seen_from_both_ends() {
    let graph = TaskGraph::builder()
        .dependency("a", "c", 1.5)
        .task("c", 3)
        .task("a", 1)
        .task("b", 2)
        .dependency("b", "c", 0)
        .build()
        .unwrap();
    let [c, a, b] = ["c", "a", "b"].map(|name| graph.find(name).unwrap());
    assert_eq!(graph.find("d"), None);
    let cost = Cost::new(1.5).unwrap();
    assert_eq!(graph.successors(a), [Dependency { task: c, cost }]);
    let tasks: Vec<_> = graph.predecessors(c).iter().map(|d| d.task).collect();
    assert_eq!(tasks, [a, b]);
    assert_eq!(graph.topological_order(), [a, b, c]);
    assert!(graph.entry_tasks().eq([a, b]));
    assert!(graph.exit_tasks().eq([c]));
    assert_eq!(graph.reversed().predecessors(a), graph.successors(a));
    assert_eq!(graph.reversed().reversed(), graph);
}

#[test]
fn order_of_addition_is_kept_where_it_is_topological() {
    let graph = TaskGraph::builder()
        .task("a", 1)
        .task("b", 1)
        .task("c", 1)
        .dependency("a", "b", 0)
        .build()
        .unwrap();
    assert!(
        graph
            .topological_order()
            .iter()
            .copied()
            .eq(graph.task_ids())
    );
}

#[test]
fn dependency_given_twice_counts_once_at_the_higher_cost() {
    let graph = TaskGraph::builder()
        .task("a", 1)
        .task("b", 1)
        .dependency("a", "b", 2)
        .dependency("a", "b", 5)
        .dependency("a", "b", 3)
        .build()
        .unwrap();
    assert_eq!(graph.n_dependencies(), 1);
    let a = graph.find("a").unwrap();
    assert_eq!(graph.successors(a)[0].cost.value(), 5.0);
}

#[test]
fn one_number_fills_the_row() {
    let graph = TaskGraph::builder()
        .task("a", 4)
        .task_on("b", [1, 2, 6])
        .build()
        .unwrap();
    let [a, b] = ["a", "b"].map(|name| graph.find(name).unwrap());
    assert_eq!(graph.n_cost_columns(), 3);
    assert_eq!(graph.cost(a, ProcessorId::new(2)).value(), 4.0);
    assert_eq!(graph.cost(b, ProcessorId::new(2)).value(), 6.0);
    assert_eq!(graph.mean_cost(b), 3.0);
}

#[test]
fn rows_of_costs_have_one_length() {
    let builder = TaskGraph::builder()
        .task_on("a", [1, 2, 3])
        .task_on("b", [1, 2]);
    assert_eq!(
        message(builder),
        "task `b` has 2 costs, where others have one for each of 3 processors"
    );
    let none: [f64; 0] = [];
    assert!(TaskGraph::builder().task_on("a", none).build().is_err());
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let builder = TaskGraph::builder()
        .task("a", -1)
        .task("b", f64::NAN)
        .task("b", 1)
        .dependency("a", "x", 1)
        .dependency("a", "b", -2);
    assert_eq!(
        message(builder),
        "task `a`: a cost must be a number from 0 to 1e100, but this one is -1.0; \
         task `b`: a cost must be a number from 0 to 1e100, but this one is NaN; \
         dependency a → b: a cost must be a number from 0 to 1e100, but this one is -2.0; \
         two tasks are named `b`; \
         no task is named `x`, in the dependency a → x"
    );
}

#[test]
fn error_names_the_shortest_cycle() {
    let mut builder = TaskGraph::builder();
    for name in ["in", "a", "b", "c", "d", "out"] {
        builder = builder.task(name, 1);
    }
    for (from, to) in [
        ("in", "a"),
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "a"),
        ("d", "c"),
        ("d", "out"),
    ] {
        builder = builder.dependency(from, to, 0);
    }
    assert_eq!(message(builder), "the dependencies form a cycle: c → d → c");
}

#[test]
fn task_that_depends_on_itself_is_refused() {
    let builder = TaskGraph::builder()
        .task("a", 1)
        .task("b", 1)
        .dependency("a", "b", 0)
        .dependency("b", "a", 0)
        .dependency("b", "b", 0);
    assert_eq!(message(builder), "task `b` depends on itself");
}

#[test]
fn long_cycle_is_found_without_recursion() {
    let mut builder = TaskGraph::builder();
    let n_tasks = 20_000;
    for index in 0..n_tasks {
        builder.add_task(index, Cost::ONE);
    }
    for index in 0..n_tasks {
        let next = (index + 1) % n_tasks;
        builder.add_dependency(TaskId::new(index), TaskId::new(next), Cost::ZERO);
    }
    assert!(message(builder).ends_with("19999 → 0"));
}

#[test]
fn unknown_ids_are_refused() {
    let mut builder = TaskGraph::builder();
    let task = builder.add_task("a", Cost::ONE);
    builder.add_dependency(task, TaskId::new(7), Cost::ZERO);
    assert_eq!(message(builder), "no task has the id 7: there are 1 tasks");
}

#[test]
fn other_costs_keep_the_shape() {
    let graph = TaskGraph::builder()
        .task("a", 1)
        .task("b", 2)
        .dependency("a", "b", 3)
        .build()
        .unwrap();
    let other = graph.with_costs(|_| Cost::ONE, |_, _| Cost::ZERO);
    assert_eq!(other.n_dependencies(), 1);
    assert_eq!(other.mean_cost(TaskId::new(1)), 1.0);
    assert_eq!(other.successors(TaskId::new(0))[0].cost, Cost::ZERO);
    assert_eq!(other.name(TaskId::new(1)), "b");
}

#[test]
fn names_are_escaped_in_dot() {
    let graph = TaskGraph::builder()
        .task("say \"hi\"\\", 1)
        .task("b", 2.5)
        .dependency("b", "say \"hi\"\\", 3)
        .build()
        .unwrap();
    assert_eq!(
        graph.to_dot(),
        "digraph tasks {\n  node [shape=box];\n  0 [label=\"say \\\"hi\\\"\\\\\\n1\"];\n  \
         1 [label=\"b\\n2.5\"];\n  1 -> 0 [label=\"3\"];\n}\n"
    );
}
