//! The layers of this crate and of `ampeg-schedule`: each imports only from those below it.
//!
//! This test reads the sources. `ARCHITECTURE.md` has the same list, with the contents of each layer.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The folders of both `src`, bottom first.
const LAYERS: [&str; 12] = [
    "base",
    "task_graph",
    "schedule",
    "sys",
    "value",
    "generated_code",
    "definition",
    "plan",
    "run",
    "transport",
    "report",
    "api",
];

/// Imports that run upward for a reason.
const UPWARD: [(&str, &str); 2] = [
    // The loader calls the constructor, which is unsafe code. The constructor starts the worker.
    ("sys/constructor.rs", "transport::entry"),
    // `Shared<str>` always holds text, so the unsafe code need not check the text again.
    ("sys/memory.rs", "value::shared"),
];

/// Texts that must not occur, the layers where they must not occur, and the files that are exceptions.
const ABSENT: &[(&str, &[&str], &[&str])] = &[
    // Everything up to the plan is a function of its arguments; the coordinator is a state machine.
    (
        "clock::",
        &[
            "task_graph/",
            "schedule/",
            "definition/",
            "plan/",
            "run/coordinator/",
        ],
        &["schedule/search/"],
    ),
    (
        "Instant::now",
        &["task_graph/", "schedule/", "definition/", "plan/", "run/"],
        &["schedule/search/clock.rs"],
    ),
    // Processes, signals and files.
    (
        "std::process",
        &[
            "task_graph/",
            "schedule/",
            "value/",
            "generated_code/",
            "definition/",
            "plan/",
            "run/",
            "report/",
        ],
        &[],
    ),
    (
        "std::fs",
        &[
            "task_graph/",
            "schedule/",
            "value/",
            "generated_code/",
            "definition/",
            "plan/",
            "run/",
            "report/",
        ],
        &[],
    ),
    (
        "unsafe {",
        &[
            "base/",
            "task_graph/",
            "schedule/",
            "value/",
            "generated_code/",
            "definition/",
            "plan/",
            "run/",
            "transport/",
            "report/",
            "api/",
        ],
        &[],
    ),
];

fn sources() -> [PathBuf; 2] {
    ["../ampeg-schedule/src", "src"].map(|it| Path::new(env!("CARGO_MANIFEST_DIR")).join(it))
}

/// The paths below `folder`, without tests and their tools.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_test = ["tests", "testing", "simulation"].contains(&name);
        if path.is_dir() && !is_test {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The lines of a file without comments and unit tests, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = read_to_string(path).unwrap();
    let lines = text.lines().zip(1..);
    let code = lines.take_while(|(line, _)| !line.ends_with("mod tests {"));
    let code = code.filter(|(line, _)| !line.trim_start().starts_with("//"));
    code.map(|(line, number)| (number, line.to_owned()))
        .collect()
}

/// All lines of code, by the path of the file from `src` on.
fn all_code() -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for source in sources() {
        let mut paths = Vec::new();
        files(&source, &mut paths);
        assert!(paths.len() > 30, "only {} files were found", paths.len());
        for path in paths {
            let name = path.strip_prefix(&source).unwrap();
            let name = name.to_str().unwrap().to_owned();
            let code = code(&path).into_iter();
            lines.extend(code.map(|(number, line)| (name.clone(), number, line)));
        }
    }
    lines
}

/// The layers that `crate::…` names in a line.
fn layers_in(line: &str) -> impl Iterator<Item = usize> {
    line.split("crate::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        LAYERS.iter().position(|&layer| layer == name)
    })
}

#[test]
fn each_file_is_in_a_layer() {
    for (file, ..) in all_code() {
        let top = file.split('/').next().unwrap();
        assert!(
            top == "lib.rs" || LAYERS.contains(&top),
            "{file} is in no layer"
        );
    }
}

/// Fails if `is_refused` returns true for the file and text of a line of code. The message lists these lines.
fn refuse(what: &str, is_refused: impl Fn(&str, &str) -> bool) {
    let lines = all_code().into_iter();
    let refused = lines.filter(|(file, _, line)| is_refused(file, line));
    let refused: Vec<_> = refused
        .map(|(file, number, line)| format!("{file}:{number}: {}", line.trim()))
        .collect();
    assert!(refused.is_empty(), "{what}:\n{}", refused.join("\n"));
}

#[test]
fn no_layer_imports_upward() {
    refuse("imports of a higher layer", |file, line| {
        let top = file.split('/').next();
        let Some(layer) = LAYERS.iter().position(|&it| Some(it) == top) else {
            return false;
        };
        let is_allowed = UPWARD
            .iter()
            .any(|(from, to)| file == *from && line.contains(to));
        !is_allowed && layers_in(line).any(|imported| imported > layer)
    });
}

#[test]
fn imports_name_one_layer_each() {
    // Otherwise, this test would not see the layers in the braces.
    refuse("write one `use` for each layer", |_, line| {
        line.contains("crate::{")
    });
}

#[test]
fn what_must_be_absent_is_absent() {
    refuse("what must not be there", |file, line| {
        ABSENT.iter().any(|(text, folders, exceptions)| {
            let is_here = folders.iter().any(|folder| file.starts_with(folder));
            let is_allowed = exceptions.iter().any(|it| file.starts_with(it));
            is_here && !is_allowed && line.contains(text)
        })
    });
}

#[test]
fn imports_are_found() {
    let found: Vec<_> = layers_in("use crate::run::message::Value; crate::base::id").collect();
    assert_eq!(found, [8, 0]);
    assert_eq!(layers_in("use crate::runner::X; use std::run;").count(), 0);
}
