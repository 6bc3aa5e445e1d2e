//! Measures the quality of schedules, and the time to make them.
//!
//! `cargo bench --bench scheduling` measures all. Words after `--` select: `list` (list schedulers), `small` and
//! `search` (search for 2 ms and for 0.5 s), `speed`.
//! Graphs are read from `../shared/graphs`, or from the folder named by `AMPEG_GRAPHS`; makespans of peers from `graph-baselines.json` beside that folder.
//! Without the folder, only the speed is measured.

mod cases;
mod quality;
mod speed;
mod workflow_file;

use ampeg::Policy;
use ampeg::schedule::Search;
use cases::Case;
use std::path::PathBuf;
use std::time::Duration;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wants = |word: &str| words.is_empty() || words.iter().any(|other| other == word);
    let folder = std::env::var_os("AMPEG_GRAPHS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/graphs")),
        PathBuf::from,
    );
    match cases::load(&folder) {
        Ok(cases) => measure_quality(&cases, wants),
        Err(error) => println!(
            "quality is skipped: no graphs in {}: {error}",
            folder.display()
        ),
    }
    if wants("speed") {
        speed::print();
    }
}

fn measure_quality(cases: &[Case], wants: impl Fn(&str) -> bool) {
    if wants("list") {
        let policies = [Policy::Heft, Policy::Cpop, Policy::Peft, Policy::Fast];
        let all: Vec<&Case> = cases.iter().collect();
        for policy in policies {
            quality::print(&format!("{policy:?}"), policy, &all);
        }
        speed::print_ratio(&all);
    }
    if wants("small") {
        let policy = Policy::Search(Search::for_time(Duration::from_millis(2)));
        let small = cases
            .iter()
            .filter(|case| case.graph.n_tasks() <= 30 && case.optimum.is_some());
        quality::print(
            "Search for 2 ms, at most 30 tasks",
            policy,
            &small.collect::<Vec<_>>(),
        );
    }
    if wants("search") {
        let policy = Policy::Search(Search::for_time(Duration::from_millis(500)));
        let middle = cases.iter().filter(|case| {
            let n_tasks = case.graph.n_tasks();
            n_tasks > 30 && (n_tasks <= 700 || case.family == "planted")
        });
        quality::print(
            "Search for 0.5 s, 31 to 700 tasks",
            policy,
            &middle.collect::<Vec<_>>(),
        );
    }
}
