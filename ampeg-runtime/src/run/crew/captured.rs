//! Adds the output of failed tasks to their errors.

use crate::base::failure::{TaskError, TaskErrorKind};
use crate::run::cluster::Captured;
use crate::value::payload::Payload;
use std::collections::HashMap;

/// The largest number of bytes of output in an error; the end of the output is kept.
const LONGEST: usize = 16 * 1024;

/// Adds the last lines of the output of each failed task to its error, and to the errors of dependent tasks.
pub(super) fn add_output(results: &mut [Option<Result<Payload, TaskError>>], captured: &Captured) {
    let mut changed: HashMap<String, TaskError> = HashMap::new();
    for (task, output) in captured {
        let Some(Some(Err(error))) = results.get_mut(task.index()) else {
            continue;
        };
        if !matches!(error.kind(), TaskErrorKind::DependencyFailed { .. }) {
            *error = error.clone().with_output(last_lines(output));
            changed.insert(error.task().to_owned(), error.clone());
        }
    }
    for error in results
        .iter_mut()
        .flatten()
        .filter_map(|it| it.as_mut().err())
    {
        if let TaskErrorKind::DependencyFailed { cause } = error.kind()
            && let Some(cause) = changed.get(cause.root().task())
        {
            *error = error.clone().with_cause(cause.clone());
        }
    }
}

/// The last lines of a text; they are complete if that is possible.
fn last_lines(text: &str) -> &str {
    let mut start = text.len().saturating_sub(LONGEST);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    match end.split_once('\n') {
        Some((_, lines)) if start > 0 && !lines.is_empty() => lines,
        _ => end,
    }
}
