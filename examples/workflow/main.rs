//! How many processors is a workflow worth, and what would they do?
//!
//! ```text
//!   stage in ─┬─▶ align ─▶ sort ─┬─▶ merge ─▶ report        a graph, read from a JSON file
//!             └─▶ align ─▶ sort ─┘
//!        │
//!        ▼
//!   makespan, bound, utilisation and speed-up on 1 to 16 processors;
//!   Gantt chart of the smallest number that is worth it, as SVG
//! ```
//!
//! `cargo run --example workflow -- FILE_OR_FOLDER [CHART.svg]`
//!
//! A file holds `tasks` (`id`, `cost`) and `edges` (`from`, `to`, `comm`); of a folder, each `.json` file is read.
//! Without arguments, a small pipeline like the one above is used.

#[path = "../../benches/scheduling/workflow_file.rs"]
mod workflow_file;

use ampeg::schedule::Scaling;
use ampeg::{Policy, Processors, Scheduler, TaskGraph};
use std::error::Error;
use std::path::{Path, PathBuf};
use workflow_file::WorkflowFile;

/// More processors must shorten the makespan by this share to be worth it.
const WORTH: f64 = 0.05;

const BUILT_IN: &str = include_str!("pipeline.json");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (input, chart) = (arguments.next(), arguments.next());
    let Some(input) = input else {
        return study(&serde_json::from_str(BUILT_IN)?, None);
    };
    for path in json_files(&input)? {
        study(&WorkflowFile::read(&path)?, chart.as_deref())?;
    }
    Ok(())
}

/// The file itself, or all JSON files of a folder by name.
fn json_files(path: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries: Result<Vec<_>, _> = path.read_dir()?.collect();
    let mut files: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    Ok(files)
}

/// Looks at each variant of the file: the same tasks with more or less communication.
fn study(file: &WorkflowFile, chart: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut variants: Vec<(&str, f64)> = Vec::new();
    variants.extend(
        file.variants
            .iter()
            .map(|(name, factor)| (name.as_str(), *factor)),
    );
    if variants.is_empty() {
        variants.push(("as given", 1.0));
    }
    for (variant, factor) in variants {
        let graph = file.graph(factor)?;
        let (n_tasks, n_dependencies) = (graph.n_tasks(), graph.n_dependencies());
        println!(
            "{}, {variant}: {n_tasks} tasks, {n_dependencies} dependencies",
            file.name
        );
        let max = if graph.n_cost_columns() == 1 {
            16
        } else {
            graph.n_cost_columns()
        };
        let scaling = Scaling::new(&graph, max, &Policy::Fast)?;
        let n_processors = scaling.worth(WORTH);
        println!("{scaling}\nworth it: {n_processors}\n");
        if let Some(chart) = chart {
            draw(&graph, n_processors, chart)?;
        }
    }
    Ok(())
}

fn draw(graph: &TaskGraph, n_processors: usize, chart: &Path) -> Result<(), Box<dyn Error>> {
    let schedule = Policy::Fast.schedule(graph, &Processors::new(n_processors)?)?;
    std::fs::write(chart, schedule.to_svg(graph))?;
    println!("Gantt chart: {}\n", chart.display());
    Ok(())
}
