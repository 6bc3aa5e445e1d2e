//! How many processors shorten a workflow, and what does each of them run?
//!
//! ```text
//!   stage in ─┬─▶ align ─▶ sort ─┬─▶ merge ─▶ report        a graph, read from a JSON file
//!             └─▶ align ─▶ sort ─┘
//!        │
//!        ▼
//!   makespan, bound, utilization and speed-up on 1 to 16 processors;
//!   Gantt chart for the number of processors that is worth it, as SVG
//! ```
//!
//! `cargo run --example workflow -- FILE_OR_FOLDER [CHART.svg]`
//!
//! A file has `tasks` (`id`, `cost`) and `edges` (`from`, `to`, `comm`). In a folder, each `.json` file is read.
//! A file may also have `variants`: factors on all `comm`, by name. Each variant is a graph, with its own chart
//! `CHART-NAME-VARIANT.svg`.
//! Without arguments, a small pipeline like the one above is used.

#[path = "../../benches/scheduling/workflow_file.rs"]
mod workflow_file;

use ampeg::schedule::Scaling;
use ampeg::{Policy, Processors, Scheduler, TaskGraph};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use workflow_file::WorkflowFile;

/// A number of processors is worth it if its makespan exceeds the best makespan by at most this share.
const WORTH: f64 = 0.05;

const BUILT_IN: &str = include_str!("pipeline.json");

fn main() -> ExitCode {
    match study_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn study_all() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (input, chart) = (arguments.next(), arguments.next());
    let files = match input {
        None => vec![serde_json::from_str(BUILT_IN)?],
        Some(input) => {
            let paths = json_files(&input)?;
            let files: Result<_, _> = paths.iter().map(|path| WorkflowFile::read(path)).collect();
            files?
        }
    };
    let graphs: Vec<_> = files.iter().flat_map(variants).collect();
    for (file, variant, factor) in &graphs {
        let named = |error| format!("{}: {error}", file.name);
        let graph = file.graph(*factor).map_err(named)?;
        println!("{}, {variant}: {}", file.name, size(&graph));
        let n_processors = study(&graph)?;
        if let Some(chart) = &chart {
            let path = match graphs.len() {
                1 => chart.clone(),
                _ => chart_of(chart, &file.name, variant),
            };
            draw(&graph, n_processors, &path)?;
        }
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
    if files.is_empty() {
        return Err(format!("{}: no .json file is there", path.display()).into());
    }
    files.sort();
    Ok(files)
}

/// The variants of a file: the same tasks with scaled communication, each with its name and factor.
fn variants(file: &WorkflowFile) -> Vec<(&WorkflowFile, &str, f64)> {
    if file.variants.is_empty() {
        return vec![(file, "as given", 1.0)];
    }
    let variants = file.variants.iter();
    variants
        .map(|(name, factor)| (file, name.as_str(), *factor))
        .collect()
}

fn size(graph: &TaskGraph) -> String {
    let (n_tasks, n_dependencies) = (graph.n_tasks(), graph.n_dependencies());
    format!("{n_tasks} tasks, {n_dependencies} dependencies")
}

/// Prints the makespan for each number of processors, and the smallest number that is worth it.
fn study(graph: &TaskGraph) -> Result<usize, Box<dyn Error>> {
    let max = match graph.n_cost_columns() {
        1 => 16,
        n_columns => n_columns,
    };
    let scaling = Scaling::new(graph, max, &Policy::Fast)?;
    let n_processors = scaling.processors_within(WORTH);
    println!("{scaling}\nworth it: {n_processors}\n");
    Ok(n_processors)
}

/// The file of one of several charts: `chart-name-variant.svg` for `chart.svg`.
fn chart_of(chart: &Path, name: &str, variant: &str) -> PathBuf {
    let stem = chart.file_stem().unwrap_or_default().to_string_lossy();
    let file: String = format!("{stem}-{name}-{variant}.svg")
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() && letter != '/' {
                letter
            } else {
                '_'
            }
        })
        .collect();
    chart.with_file_name(file)
}

fn draw(graph: &TaskGraph, n_processors: usize, chart: &Path) -> Result<(), Box<dyn Error>> {
    let schedule = Policy::Fast.schedule(graph, &Processors::new(n_processors)?)?;
    std::fs::write(chart, schedule.to_svg(graph))
        .map_err(|error| format!("{}: {error}", chart.display()))?;
    println!("Gantt chart: {}\n", chart.display());
    Ok(())
}
