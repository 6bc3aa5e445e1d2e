//! The serialized form of a task graph. Deserialized data is checked like the arguments of a builder.

use crate::base::error::Error;
use crate::base::id::TaskId;
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::Cost;
use serde::{Deserialize, Serialize};

/// The tasks in the order of their ids, and the dependencies with the ids of both ends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "TaskGraph")]
pub(super) struct Serialized {
    tasks: Vec<Task>,
    dependencies: Vec<Edge>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    name: String,
    /// One cost for all processors, or one for each.
    costs: Vec<Cost>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Edge {
    from: TaskId,
    to: TaskId,
    cost: Cost,
}

impl From<TaskGraph> for Serialized {
    fn from(graph: TaskGraph) -> Self {
        let task = |task| Task {
            name: graph.name(task).to_owned(),
            costs: graph.costs(task).to_vec(),
        };
        let edges = |from| {
            let successors = graph.successors(from).iter();
            successors.map(move |it| Edge {
                from,
                to: it.task,
                cost: it.cost,
            })
        };
        Self {
            tasks: graph.task_ids().map(task).collect(),
            dependencies: graph.task_ids().flat_map(edges).collect(),
        }
    }
}

impl TryFrom<Serialized> for TaskGraph {
    type Error = Error;

    fn try_from(serialized: Serialized) -> Result<Self, Error> {
        let mut builder = Self::builder();
        for Task { name, costs } in serialized.tasks {
            match *costs {
                [cost] => builder.add_task(name, cost),
                _ => builder.add_task_on(name, costs),
            };
        }
        for Edge { from, to, cost } in serialized.dependencies {
            builder.add_dependency(from, to, cost);
        }
        builder.build()
    }
}
