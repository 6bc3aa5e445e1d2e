//! The outputs of a graph as a tree of groups and families, and their tasks in the order of the fields.

use crate::definition::OutputTasks;
use crate::definition::family::Members;
use crate::generated_code::facts::Family;
use ampeg_schedule::TaskId;
use std::collections::HashMap;

/// One field of a struct of values: its name, and the fields of its struct if it is a group.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name of the output or group.
    pub name: &'static str,
    /// The fields of a group; empty for an output.
    pub fields: &'static [Field],
}

/// The tasks of all outputs. A group is added row by row: all fields of its first index, then all fields of its
/// second.
///
/// The outputs are in the order of `fields`. If `fields` is empty, they are in the order of the families.
pub(crate) fn output_tasks<'a>(
    families: impl Iterator<Item = (&'a Family, &'a Members)>,
    fields: &[Field],
) -> OutputTasks {
    let mut roots = Vec::new();
    for (family, members) in families {
        let names = family.name.split('.').zip(family.segments);
        insert(&mut roots, names, members);
    }
    sort(&mut roots, fields);
    let mut found = Found::default();
    for root in &roots {
        root.push(0, 0, &mut found);
    }
    OutputTasks {
        tasks: found.tasks.into_iter().map(Ok).collect(),
        shape: found.shape,
    }
}

/// Tasks, and the lengths of the lists that they form.
#[derive(Default)]
struct Found {
    tasks: Vec<TaskId>,
    shape: Vec<u32>,
}

/// An output, or a group of outputs.
#[derive(Debug)]
struct Node<'a> {
    name: &'a str,
    /// The number of indices directly after this name.
    n_indices: usize,
    /// The members of an output, or of the first output in a group.
    ///
    /// All families of a group have the same indices, so a branch has the same number in each family.
    members: &'a Members,
    /// The outputs and groups in a group; empty for an output.
    children: Vec<Node<'a>>,
}

/// Adds an output with this path of names. The families of one group are adjacent.
fn insert<'a>(
    nodes: &mut Vec<Node<'a>>,
    mut names: impl Iterator<Item = (&'a str, &'a u8)>,
    members: &'a Members,
) {
    let Some((name, &n_indices)) = names.next() else {
        return;
    };
    if nodes.last().is_none_or(|last| last.name != name) {
        nodes.push(Node {
            name,
            n_indices: n_indices.into(),
            members,
            children: Vec::new(),
        });
    }
    if let Some(node) = nodes.last_mut() {
        insert(&mut node.children, names, members);
    }
}

/// Sorts the nodes into the order of `fields`, unless it is empty.
fn sort(nodes: &mut [Node<'_>], fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    let order: HashMap<_, _> = fields.iter().map(|field| field.name).zip(0..).collect();
    nodes.sort_by_key(|node| order.get(node.name));
    for (node, field) in nodes.iter_mut().zip(fields) {
        sort(&mut node.children, field.fields);
    }
}

impl Node<'_> {
    /// Adds the tasks of this node below a branch that is `depth` levels deep.
    fn push(&self, depth: usize, branch: usize, found: &mut Found) {
        if self.children.is_empty() {
            let Found { tasks, shape } = found;
            let selected = self.members.select_below(depth, branch, &[], tasks, shape);
            debug_assert!(selected.is_ok(), "all that there is can be found");
        } else {
            self.push_rows(depth, self.n_indices, branch, found);
        }
    }

    /// Adds the tasks of a group, with one row for each value of the remaining `n_left` indices.
    fn push_rows(&self, depth: usize, n_left: usize, branch: usize, found: &mut Found) {
        if n_left == 0 {
            for child in &self.children {
                child.push(depth, branch, found);
            }
            return;
        }
        let rows = self.members.branches(depth, branch);
        found
            .shape
            .push(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        for row in rows {
            self.push_rows(depth + 1, n_left - 1, row, found);
        }
    }
}
