//! Random graphs with tasks that fail in every way, and checks of their results and errors.

use crate::base::failure::{TaskError, TaskErrorKind};
use crate::definition::Limits;
use crate::testing::{Action, Blobs, Node, expected, random_nodes};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The limit of a body that hangs.
const SHORT: Duration = Duration::from_millis(30);
/// The limit of all other bodies, which none of them reaches.
const LONG: Duration = Duration::from_secs(40);

/// A graph with limits. Files record which tasks have computed once.
#[derive(Debug)]
pub(super) struct Hazardous {
    pub(super) nodes: Vec<Node>,
    pub(super) limits: Vec<Limits>,
    files: Vec<PathBuf>,
}

impl Hazardous {
    /// A random graph. Its files are in this folder; their names are this name and a number.
    pub(super) fn random(random: &mut fastrand::Rng, folder: &Path, name: usize) -> Self {
        let n_tasks = random.usize(1..=40);
        // The buffer of a socket holds some 200 KB.
        let sizes = [0, 1_000, 100_000, 300_000, 1_600_000];
        let largest = random.choice(sizes).unwrap();
        let mut nodes = random_nodes(random, n_tasks, largest);
        let retry = random.choice([0, 0, 3, 1_000]).unwrap();
        let is_dangerous = random.u8(..) < 160;
        // Results that are not outputs are lost with their worker, and so are the results they were computed from.
        let outputs = random.choice([20, 60, 120, 250]).unwrap();
        let longest = random.choice([0, 500, 4_000]).unwrap();
        let mut files = Vec::new();
        for (index, node) in nodes.iter_mut().enumerate() {
            node.output = random.u8(..) < outputs;
            if random.u8(..) < 40 {
                node.size = largest;
            }
            if is_dangerous {
                let file = folder.join(format!("{name}-{index}"));
                node.action = action(random, &file);
                files.push(file);
            }
            if longest > 0 && node.action == Action::Compute {
                node.action = Action::Take(Duration::from_micros(random.u64(0..longest)));
            }
        }
        let limits = nodes.iter().map(|node| limits(random, node, retry));
        Self {
            limits: limits.collect(),
            nodes,
            files,
        }
    }

    /// Removes the files, so that no task has computed.
    pub(super) fn forget(&self) {
        for file in &self.files {
            // Most tasks do not create their file.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Fails unless every result is right and every error has a reason. Returns the tasks that were killed from
    /// outside.
    pub(super) fn check(&self, blobs: &Blobs, is_cut_short: bool) -> BTreeSet<usize> {
        let mut killed = BTreeSet::new();
        for (index, (expected, found)) in expected(&self.nodes).iter().zip(blobs).enumerate() {
            match found {
                Some(Ok(blob)) => assert_eq!(Some(blob.check()), *expected, "node{index}"),
                Some(Err(error)) => {
                    let task = self.check_root(index, error.root(), is_cut_short);
                    if is_kill(error.root().kind()) {
                        killed.insert(task);
                    }
                }
                None => assert!(!self.nodes[index].output, "node{index} has no result"),
            }
        }
        killed
    }

    /// Fails unless the root of an error is a task with an action that causes this error, or a fault from outside.
    fn check_root(&self, failed: usize, root: &TaskError, is_cut_short: bool) -> usize {
        let task: usize = root.task().trim_start_matches("node").parse().unwrap();
        let action = at_last(&self.nodes[task].action);
        let is_legitimate = match root.kind() {
            TaskErrorKind::Cancelled => is_cut_short,
            TaskErrorKind::Failed { message, .. } => {
                *action == Action::Fail && message == "told to fail"
            }
            TaskErrorKind::Panicked { message, .. } => {
                *action == Action::Panic && message == "told to panic"
            }
            TaskErrorKind::TimedOut { limit } => *action == Action::Hang && *limit == SHORT,
            TaskErrorKind::Crashed {
                signal, exit_code, ..
            } => match (action, signal, exit_code) {
                (_, Some(9), None) | (Action::Abort | Action::AbortOnce(_), Some(6), None) => true,
                (Action::Exit(expected), None, Some(code)) => expected == code,
                _ => false,
            },
            TaskErrorKind::NoWorker { reason } => reason.contains("times in a row"),
            _ => false,
        };
        assert!(
            is_legitimate,
            "node{failed}: {root}, but its action is {action:?}"
        );
        let is_last = root.attempt() == self.limits[task].attempts();
        assert!(
            is_last || matches!(root.kind(), TaskErrorKind::Cancelled),
            "node{failed}: {root}: attempts are left"
        );
        assert!(
            self.depends(failed, task),
            "node{failed}: {root}: it does not depend on that"
        );
        task
    }

    /// Whether `task` is `other` or depends on it, directly or indirectly.
    fn depends(&self, task: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![task];
        while let Some(task) = next.pop() {
            if seen.insert(task) {
                next.extend(&self.nodes[task].parents);
            }
        }
        seen.contains(&other)
    }
}

fn is_kill(kind: &TaskErrorKind) -> bool {
    matches!(
        kind,
        TaskErrorKind::Crashed {
            signal: Some(9),
            ..
        }
    )
}

/// The action of a task after it has computed once.
fn at_last(action: &Action) -> &Action {
    match action {
        Action::Once(_, then) => then,
        action => action,
    }
}

/// A random action. Most tasks compute.
fn action(random: &mut fastrand::Rng, file: &Path) -> Action {
    let then = match random.u8(..) {
        0..50 => Action::Fail,
        50..100 => Action::Panic,
        100..170 => Action::Abort,
        170..220 => Action::Exit(random.i32(0..100)),
        _ => Action::Hang,
    };
    match random.u8(..) {
        0..10 => then,
        10..60 => Action::Once(file.display().to_string(), Box::new(then)),
        60..90 => Action::AbortOnce(file.display().to_string()),
        _ => Action::Compute,
    }
}

fn limits(random: &mut fastrand::Rng, node: &Node, retry: u32) -> Limits {
    let action = at_last(&node.action);
    Limits {
        within: match action {
            Action::Hang => Some(SHORT),
            _ => (random.u8(..) < 40).then_some(LONG),
        },
        retry: match action {
            Action::Compute | Action::Take(_) => retry,
            // It succeeds in its second attempt.
            Action::AbortOnce(_) => retry.clamp(1, 1_000),
            // It fails in every attempt.
            _ => retry.min(3),
        },
    }
}
