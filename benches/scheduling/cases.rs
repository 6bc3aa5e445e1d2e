//! The graphs to schedule, and the results of other schedulers.

use crate::workflow_file::WorkflowFile;
use ampeg::TaskGraph;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;

/// A graph with its communication scaled, and a number of processors.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) family: String,
    pub(crate) variant: String,
    pub(crate) graph: TaskGraph,
    pub(crate) n_processors: usize,
    pub(crate) optimum: Option<f64>,
    pub(crate) best_known: f64,
    /// The makespans of other schedulers, by name.
    pub(crate) peers: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct Baseline {
    family: String,
    runs: BTreeMap<String, Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    optimum: Option<f64>,
    best_known: f64,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

/// All cases that have a baseline, in a fixed order.
pub(crate) fn load(folder: &Path) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let baselines = std::fs::read(folder.with_file_name("graph-baselines.json"))?;
    let baselines: HashMap<String, Baseline> = serde_json::from_slice(&baselines)?;
    let mut cases = Vec::new();
    for path in paths {
        let file = WorkflowFile::read(&path)?;
        if let Some(baseline) = baselines.get(&file.name) {
            for (key, run) in &baseline.runs {
                cases.push(case(&file, baseline, key, run)?);
            }
        }
    }
    Ok(cases)
}

/// The case with a key like `ccr1@p4`.
fn case(
    file: &WorkflowFile,
    baseline: &Baseline,
    key: &str,
    run: &Run,
) -> Result<Case, Box<dyn Error>> {
    let (variant, n_processors) = key.split_once("@p").ok_or("a key without processors")?;
    let factor = file.variants.get(variant).copied().unwrap_or(1.0);
    let peers = run.rest.iter().filter_map(|(name, value)| {
        let makespan = value.get("makespan")?.as_f64()?;
        Some((name.clone(), makespan))
    });
    Ok(Case {
        family: baseline.family.clone(),
        variant: variant.to_owned(),
        graph: file.graph(factor)?,
        n_processors: n_processors.parse()?,
        optimum: run.optimum,
        best_known: run.best_known,
        peers: peers.collect(),
    })
}
