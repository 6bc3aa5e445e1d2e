//! Properties of the schedules of every graph.

use super::naive;
use crate::base::id::TaskId;
use crate::schedule::{LowerBounds, Policy, Processors, Schedule, Scheduler, Search};
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::Cost;
use proptest::prelude::*;

const POLICIES: [Policy; 5] = [
    Policy::Heft,
    Policy::Cpop,
    Policy::Peft,
    Policy::Fast,
    SEARCH,
];

const SEARCH: Policy = Policy::Search(Search::for_iterations(300));

/// Costs that add up without rounding. Many are equal, and some are zero.
fn cost() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 6 => (0_u8..20).prop_map(|n| f64::from(n) / 2.0)]
}

/// Graphs of up to `max_tasks` tasks, whose ids are in no particular order.
fn graphs(max_tasks: usize, n_columns: usize) -> impl Strategy<Value = TaskGraph> {
    (0..=max_tasks).prop_flat_map(move |n_tasks| {
        let order: Vec<usize> = (0..n_tasks).collect();
        let row = prop::collection::vec(cost(), n_columns);
        let edge = (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            cost(),
        );
        (
            Just(order).prop_shuffle(),
            prop::collection::vec(row, n_tasks),
            prop::collection::vec(edge, 0..=2 * n_tasks),
        )
            .prop_map(|(order, rows, edges)| {
                let mut builder = TaskGraph::builder();
                for (index, row) in rows.iter().enumerate() {
                    let row = row.iter().map(|&cost| Cost::new(cost).unwrap());
                    builder.add_task_on(index, row.collect());
                }
                for (a, b, cost) in edges {
                    let (a, b) = (a.index(order.len()), b.index(order.len()));
                    if a != b {
                        let [from, to] = [a.min(b), a.max(b)].map(|i| TaskId::new(order[i]));
                        builder.add_dependency(from, to, Cost::new(cost).unwrap());
                    }
                }
                builder.build().unwrap()
            })
    })
}

/// Processors of different speeds, unequally connected; all factors are powers of two.
fn unequal() -> Processors {
    Processors::with_speeds([1.0, 2.0, 0.5])
        .unwrap()
        .with_communication(|a, b| if a.index() + b.index() == 1 { 0.5 } else { 2.0 })
        .unwrap()
}

fn run(policy: Policy, graph: &TaskGraph, processors: &Processors) -> Schedule {
    let schedule = policy.schedule(graph, processors).unwrap();
    schedule.validate(graph).unwrap();
    schedule
}

fn makespan(policy: Policy, graph: &TaskGraph, processors: &Processors) -> f64 {
    run(policy, graph, processors).makespan().value()
}

fn assert_is_naive_heft(graph: &TaskGraph, processors: &Processors) {
    let schedule = run(Policy::Heft, graph, processors);
    let naive = naive::heft(graph, processors);
    for (task, expected) in graph.task_ids().zip(naive) {
        let slot = schedule.slot(task);
        let found = (slot.start.value(), slot.finish.value(), slot.processor);
        assert_eq!(found, expected, "task {task}");
    }
}

fn assert_is_sound(graph: &TaskGraph, processors: &Processors) {
    let optimum = naive::optimum(graph, processors);
    let bounds = LowerBounds::new(graph, processors).unwrap();
    assert!(
        bounds.best().value() <= optimum * (1.0 + 1e-12),
        "{bounds:?} {optimum}"
    );
    for policy in POLICIES {
        assert!(
            makespan(policy, graph, processors) >= optimum * (1.0 - 1e-12),
            "{policy:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn heft_is_naive_heft(graph in graphs(12, 1), n_processors in 1_usize..5) {
        assert_is_naive_heft(&graph, &Processors::new(n_processors).unwrap());
    }

    #[test]
    fn heft_is_naive_heft_on_many_processors(graph in graphs(40, 1), n_processors in 5_usize..20) {
        assert_is_naive_heft(&graph, &Processors::new(n_processors).unwrap());
    }

    #[test]
    fn heft_is_naive_heft_on_unequal_processors(graph in graphs(10, 3)) {
        assert_is_naive_heft(&graph, &Processors::new(3).unwrap());
        assert_is_naive_heft(&graph, &unequal());
    }

    #[test]
    fn nothing_beats_the_optimum(graph in graphs(5, 1)) {
        assert_is_sound(&graph, &Processors::new(2).unwrap());
    }

    #[test]
    fn nothing_beats_the_optimum_on_unequal_processors(graph in graphs(4, 3)) {
        assert_is_sound(&graph, &unequal());
    }

    #[test]
    fn better_modes_are_never_worse(graph in graphs(30, 1), n_processors in 1_usize..6) {
        let processors = Processors::new(n_processors).unwrap();
        let alone = makespan(Policy::Heft, &graph, &Processors::new(1).unwrap());
        let heft = makespan(Policy::Heft, &graph, &processors);
        let fast = makespan(Policy::Fast, &graph, &processors);
        let search = run(SEARCH, &graph, &processors);
        prop_assert!(fast <= heft && fast <= alone && search.makespan().value() <= fast);
        prop_assert!(search.lower_bound().unwrap() <= search.makespan());
    }

    #[test]
    fn two_runs_agree(graph in graphs(20, 3)) {
        for policy in POLICIES {
            for processors in [Processors::new(3).unwrap(), unequal()] {
                prop_assert_eq!(run(policy, &graph, &processors), run(policy, &graph, &processors));
            }
        }
    }

    #[test]
    fn scaled_costs_scale_the_makespan(graph in graphs(20, 1), n_processors in 1_usize..5) {
        let processors = Processors::new(n_processors).unwrap();
        let four = |cost: f64| Cost::new(4.0 * cost).unwrap();
        let scaled = graph.with_costs(
            |task| four(graph.mean_cost(task)),
            |from, to| {
                let successors = graph.successors(from);
                four(successors.iter().find(|s| s.task == to).unwrap().cost.value())
            },
        );
        for policy in POLICIES {
            let (one, other) = (makespan(policy, &graph, &processors), makespan(policy, &scaled, &processors));
            prop_assert_eq!(4.0 * one, other, "{:?}", policy);
        }
    }

    #[test]
    fn order_of_a_schedule_makes_it_again_or_better(graph in graphs(20, 3)) {
        for policy in POLICIES {
            let schedule = run(policy, &graph, &unequal());
            let order: Vec<Vec<TaskId>> = unequal().ids().map(|p| schedule.tasks(p).collect()).collect();
            let again = Schedule::from_order(&graph, &unequal(), &order).unwrap();
            again.validate(&graph).unwrap();
            prop_assert!(again.makespan() <= schedule.makespan());
        }
    }
}
