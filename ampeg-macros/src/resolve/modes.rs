//! Chooses how each body takes its inputs: moved, cloned or borrowed.

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
            // If each index of this statement also selects another member, no member has two users.
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

/// The number of inputs that use each family or capture.
fn users(tasks: &[Task], inputs: impl Fn(&Task) -> &[Input]) -> HashMap<usize, usize> {
    let mut users = HashMap::new();
    for input in tasks.iter().flat_map(inputs) {
        *users.entry(input.index).or_insert(0) += 1;
    }
    users
}

impl Input {
    /// Whether different values of this index of the statement select different members.
    fn follows(&self, index: usize) -> bool {
        let is_same =
            |selector: &Selector| matches!(selector, Selector::Same(same) if *same == index);
        self.selectors.iter().any(is_same)
    }
}
