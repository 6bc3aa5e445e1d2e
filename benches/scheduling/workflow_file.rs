//! Task graphs in JSON files: tasks with costs, edges with communication costs, and variants that scale the latter.

use ampeg::{Cost, TaskGraph};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

/// What such a file holds; fields that are not needed here are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct WorkflowFile {
    pub(crate) name: String,
    pub(crate) tasks: Vec<Task>,
    pub(crate) edges: Vec<Edge>,
    /// Name and factor on all communication costs.
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, f64>,
    /// One row per task, where the costs differ by processor.
    pub(crate) costs_per_processor: Option<Vec<Vec<f64>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: serde_json::Value,
    pub(crate) cost: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Edge {
    pub(crate) from: serde_json::Value,
    pub(crate) to: serde_json::Value,
    #[serde(default)]
    pub(crate) comm: f64,
}

impl WorkflowFile {
    /// Reads one file.
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// The graph, with all communication costs times `factor`.
    pub(crate) fn graph(&self, factor: f64) -> Result<TaskGraph, Box<dyn Error>> {
        let mut builder = TaskGraph::builder();
        let mut ids = HashMap::new();
        for (index, task) in self.tasks.iter().enumerate() {
            let name = match &task.id {
                serde_json::Value::String(name) => name.clone(),
                other => other.to_string(),
            };
            let id = match &self.costs_per_processor {
                Some(rows) => {
                    let row: Result<_, _> =
                        rows[index].iter().map(|&cost| Cost::new(cost)).collect();
                    builder.add_task_on(&name, row?)
                }
                None => builder.add_task(&name, Cost::new(task.cost)?),
            };
            ids.insert(&task.id, id);
        }
        let find = |name: &serde_json::Value| {
            let id = ids.get(name).copied();
            id.ok_or_else(|| format!("an edge names the task {name}, which is not there"))
        };
        for edge in &self.edges {
            let cost = Cost::new(edge.comm * factor)?;
            builder.add_dependency(find(&edge.from)?, find(&edge.to)?, cost);
        }
        Ok(builder.build()?)
    }
}
