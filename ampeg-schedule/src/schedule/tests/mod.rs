//! Golden cases from the papers.

mod extremes;
mod hand_made;
mod naive;
mod properties;

use super::*;
use crate::task_graph::TaskGraph;

/// Ten tasks on three processors: fig. 2 and table 1 of Topcuoglu, Hariri and Wu (2002).
fn topcuoglu() -> TaskGraph {
    let costs = [
        [14, 16, 9],
        [13, 19, 18],
        [11, 13, 19],
        [13, 8, 17],
        [12, 13, 10],
        [13, 16, 9],
        [7, 15, 11],
        [5, 11, 14],
        [18, 12, 20],
        [21, 7, 16],
    ];
    let dependencies = [
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    ];
    canonical(&costs, &dependencies)
}

fn canonical(costs: &[[i32; 3]], dependencies: &[(usize, usize, i32)]) -> TaskGraph {
    let mut builder = TaskGraph::builder();
    for (index, row) in costs.iter().enumerate() {
        builder = builder.task_on(index + 1, row);
    }
    for (from, to, cost) in dependencies {
        builder = builder.dependency(from.to_string(), to.to_string(), *cost);
    }
    builder.build().unwrap()
}

/// Ten tasks on three processors: fig. 1 of Arabnejad and Barbosa (2014).
fn arabnejad() -> TaskGraph {
    let costs = [
        [22, 21, 36],
        [22, 18, 18],
        [32, 27, 43],
        [7, 10, 4],
        [29, 27, 35],
        [26, 17, 24],
        [14, 25, 30],
        [29, 23, 36],
        [15, 21, 8],
        [13, 16, 33],
    ];
    let dependencies = [
        (1, 2, 17),
        (1, 3, 31),
        (1, 4, 29),
        (1, 5, 13),
        (1, 6, 7),
        (2, 8, 3),
        (2, 9, 30),
        (3, 7, 16),
        (4, 8, 11),
        (4, 9, 7),
        (5, 9, 57),
        (6, 8, 5),
        (7, 10, 9),
        (8, 10, 42),
        (9, 10, 7),
    ];
    canonical(&costs, &dependencies)
}

fn makespan(policy: Policy, graph: &TaskGraph, n_processors: usize) -> f64 {
    let processors = Processors::new(n_processors).unwrap();
    let schedule = policy.schedule(graph, &processors).unwrap();
    schedule.validate(graph).unwrap();
    schedule.makespan().value()
}

#[test]
fn cpop_gives_the_makespan_of_its_paper() {
    assert_eq!(makespan(Policy::Cpop, &topcuoglu(), 3), 86.0);
}

#[test]
fn peft_gives_the_table_and_the_makespan_of_its_paper() {
    let graph = arabnejad();
    let processors = Processors::new(3).unwrap();
    let problem = Problem::new(&graph, &processors).unwrap();
    let published = [
        [64.0, 68.0, 86.0],
        [42.0, 39.0, 42.0],
        [27.0, 41.0, 43.0],
        [42.0, 39.0, 50.0],
        [28.0, 37.0, 28.0],
        [42.0, 39.0, 44.0],
        [13.0, 16.0, 22.0],
        [13.0, 16.0, 33.0],
        [13.0, 16.0, 20.0],
        [0.0, 0.0, 0.0],
    ];
    assert_eq!(peft::optimistic_costs(&problem), published.concat());
    assert_eq!(makespan(Policy::Peft, &graph, 3), 122.0);
    assert_eq!(makespan(Policy::Heft, &graph, 3), 133.0);
}

#[test]
fn heft_gives_the_ranks_and_the_makespan_of_its_paper() {
    let graph = topcuoglu();
    let processors = Processors::new(3).unwrap();
    let problem = Problem::new(&graph, &processors).unwrap();
    let published = [
        108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667,
    ];
    for (rank, published) in rank::upward_ranks(&problem, 1.0).iter().zip(published) {
        assert!((rank - published).abs() < 0.001, "{rank} {published}");
    }
    let schedule = Policy::Heft.schedule(&graph, &processors).unwrap();
    schedule.validate(&graph).unwrap();
    assert_eq!(schedule.makespan().value(), 80.0);
}

#[test]
fn graphs_and_schedules_are_read_as_they_were_written() {
    let graph = TaskGraph::builder()
        .task("a", 2)
        .task("b \"quoted\"\n", 0.25)
        .task("c", 1e100)
        .dependency("a", "c", 0.5)
        .dependency("b \"quoted\"\n", "c", 0)
        .build()
        .unwrap();
    let unequal = Processors::with_speeds([1.0, 2.5]).unwrap();
    let unequal = unequal.with_communication(|from, _| if from.index() == 0 { 1.0 } else { 2.0 });
    for processors in [Processors::new(3).unwrap(), unequal.unwrap()] {
        for policy in [Policy::Fast, Policy::Heft] {
            let schedule = policy.schedule(&graph, &processors).unwrap();
            let text = serde_json::to_string(&(&graph, &schedule)).unwrap();
            let (read, again): (TaskGraph, Schedule) = serde_json::from_str(&text).unwrap();
            assert_eq!((read, again), (graph.clone(), schedule));
        }
    }
    let empty = TaskGraph::builder().build().unwrap();
    let text = serde_json::to_string(&empty).unwrap();
    assert_eq!(serde_json::from_str::<TaskGraph>(&text).unwrap(), empty);
}

#[test]
fn deserialized_data_is_checked() {
    let graphs = [
        (
            r#"{"tasks": [], "dependencies": [{"from": 0, "to": 1, "cost": 0}]}"#,
            "no task has the id",
        ),
        (
            r#"{"tasks": [{"name": "a", "costs": [-1]}], "dependencies": []}"#,
            "a cost must be",
        ),
        (
            r#"{"tasks": [{"name": "a", "costs": []}], "dependencies": []}"#,
            "`a`",
        ),
    ];
    for (text, expected) in graphs {
        let error = serde_json::from_str::<TaskGraph>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    let processors = r#"{"speeds": [1], "communication": []}"#;
    let slot = r#"{"task": 0, "processor": 1, "start": 0, "finish": 1}"#;
    let text = format!(r#"{{"processors": {processors}, "slots": [{slot}], "lower_bound": null}}"#);
    let error = serde_json::from_str::<Schedule>(&text)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no processor 1"), "{error}");
    for text in [
        r#"{"speeds": [], "communication": []}"#,
        r#"{"speeds": [0], "communication": []}"#,
        r#"{"speeds": [1, 1], "communication": [0, 1]}"#,
        r#"{"speeds": [1, 1], "communication": [0, -1, 1, 0]}"#,
    ] {
        assert!(serde_json::from_str::<Processors>(text).is_err(), "{text}");
    }
}
