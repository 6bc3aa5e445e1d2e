//! How each body takes what it uses: moved, cloned or borrowed.

use super::names::Declarations;
use super::scope::Selector;
use super::{Input, Task};
use std::collections::HashMap;

/// Decides for each input whether it is moved, cloned or borrowed.
pub(super) fn choose(names: &Declarations, tasks: &mut [Task]) {
    let dependencies = users(tasks, |task| &task.dependencies);
    let captures = users(tasks, |task| &task.captures);
    for task in tasks {
        let again = task.statement.clauses.retry.is_some();
        let is_each = |position: &usize| names.indices[task.indices[*position]].name.is_some();
        let many: Vec<usize> = (0..task.indices.len()).filter(is_each).collect();
        for input in &mut task.dependencies {
            // Then no member is used by two tasks, nor twice by one.
            let is_sole =
                dependencies[&input.index] == 1 && many.iter().all(|&index| input.follows(index));
            input.choose_mode(is_sole && !again);
        }
        for input in &mut task.captures {
            let is_sole = captures[&input.index] == 1 && task.indices.is_empty();
            input.choose_mode(is_sole && !again);
        }
    }
}

/// How many inputs each family or capture is.
fn users(tasks: &[Task], inputs: impl Fn(&Task) -> &[Input]) -> HashMap<usize, usize> {
    let mut users = HashMap::new();
    for input in tasks.iter().flat_map(inputs) {
        *users.entry(input.index).or_insert(0) += 1;
    }
    users
}

impl Input {
    /// Whether each value of an index of the statement selects members of its own.
    fn follows(&self, index: usize) -> bool {
        let is_same =
            |selector: &Selector| matches!(selector, Selector::Same(same) if *same == index);
        self.selectors.iter().any(is_same)
    }
}
