//! Golden cases, and what every schedule must satisfy.

use super::*;
use crate::graph::TaskGraph;

/// Ten tasks on three processors: fig. 2 and table 1 of Topcuoglu, Hariri and Wu (2002).
pub(super) fn topcuoglu() -> TaskGraph {
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

pub(super) fn canonical(costs: &[[i32; 3]], dependencies: &[(usize, usize, i32)]) -> TaskGraph {
    let mut builder = TaskGraph::builder();
    for (index, row) in costs.iter().enumerate() {
        builder = builder.task_on(index + 1, row);
    }
    for (from, to, cost) in dependencies {
        builder = builder.dependency(from.to_string(), to.to_string(), *cost);
    }
    builder.build().unwrap()
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
