//! Task graphs in JSON files: tasks with costs, edges with communication costs, and variants that scale the
//! communication.

use ampeg::{Cost, TaskGraph, TaskId};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

/// The contents of a file. Other fields are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct WorkflowFile {
    /// The name of the graph; by default, the name of the file.
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) tasks: Vec<Task>,
    pub(crate) edges: Vec<Edge>,
    /// By name: a factor on all communication costs.
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, f64>,
    /// One row per task, if the costs differ by processor.
    pub(crate) costs_per_processor: Option<Vec<Vec<f64>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: Value,
    pub(crate) cost: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Edge {
    pub(crate) from: Value,
    pub(crate) to: Value,
    #[serde(default)]
    pub(crate) comm: f64,
}

impl WorkflowFile {
    /// Reads one file. Errors name the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let named = |error: &dyn Error| format!("{}: {error}", path.display());
        let bytes = std::fs::read(path).map_err(|error| named(&error))?;
        let mut file: Self = serde_json::from_slice(&bytes).map_err(|error| named(&error))?;
        if file.name.is_empty() {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            file.name = stem.to_string_lossy().into_owned();
        }
        Ok(file)
    }

    /// The graph, with all communication costs times `factor`.
    pub(crate) fn graph(&self, factor: f64) -> Result<TaskGraph, Box<dyn Error>> {
        let mut builder = TaskGraph::builder();
        let ids = self.ids()?;
        let rows = self.costs_per_processor.as_deref();
        if let Some(rows) = rows
            && rows.len() != self.tasks.len()
        {
            let (n_rows, n_tasks) = (rows.len(), self.tasks.len());
            return Err(format!("there are {n_rows} rows of costs for {n_tasks} tasks").into());
        }
        for (index, task) in self.tasks.iter().enumerate() {
            let name = plain(&task.id);
            let cost =
                |cost: f64| Cost::new(cost).map_err(|error| format!("task {}: {error}", task.id));
            match rows {
                Some(rows) => {
                    let row: Result<_, _> = rows[index].iter().copied().map(cost).collect();
                    builder.add_task_on(name, row?)
                }
                None => builder.add_task(name, cost(task.cost)?),
            };
        }
        let find = |name: &Value| {
            let id = ids.get(name).copied();
            id.ok_or_else(|| format!("an edge names the task {name}, which is not there"))
        };
        for Edge { from, to, comm } in &self.edges {
            let cost = Cost::new(comm * factor)
                .map_err(|error| format!("the edge from {from} to {to}: {error}"))?;
            builder.add_dependency(find(from)?, find(to)?, cost);
        }
        Ok(builder.build()?)
    }

    fn ids(&self) -> Result<HashMap<&Value, TaskId>, String> {
        let mut ids = HashMap::new();
        for (index, task) in self.tasks.iter().enumerate() {
            if ids.insert(&task.id, TaskId::new(index)).is_some() {
                return Err(format!("two tasks have the id {}", task.id));
            }
        }
        Ok(ids)
    }
}

/// A task's id as its name.
fn plain(id: &Value) -> String {
    match id {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    }
}
