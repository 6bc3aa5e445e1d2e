//! The order of the statements in generated code: rustc must infer each type before its uses.
//!
//! Families that use each other, or themselves, form a group. Their types are declared before the first statement.

use crate::digraph::components;
use crate::resolve::Graph;

/// The statements of a graph in the order of their types.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) groups: Vec<TypeGroup>,
}

/// Families whose types depend on each other; most groups have one family.
#[derive(Debug)]
pub(crate) struct TypeGroup {
    /// The families whose types must be declared before the statements: all of the group, or none.
    pub(crate) declared: Vec<usize>,
    pub(crate) statements: Vec<usize>,
}

impl Order {
    pub(crate) fn of(graph: &Graph) -> Self {
        let families = &graph.names.families;
        let mut uses = vec![Vec::new(); families.len()];
        for task in &graph.tasks {
            uses[task.family].extend(task.dependencies.iter().map(|input| input.index));
        }
        let groups = components(&uses).into_iter();
        let groups = groups.map(|mut group| {
            group.sort_unstable();
            let inner = |task: usize| {
                let inputs = &graph.tasks[task].dependencies;
                inputs
                    .iter()
                    .filter(|input| group.binary_search(&input.index).is_ok())
                    .count()
            };
            let mut statements: Vec<usize> = group
                .iter()
                .flat_map(|&family| families[family].statements.iter().copied())
                .collect();
            // Statements that use the fewest families of the group come first: they determine the types for the others.
            statements.sort_by_key(|&task| (inner(task), task));
            let is_open = statements.len() > 1 || statements.iter().any(|&task| inner(task) > 0);
            TypeGroup {
                declared: if is_open { group } else { Vec::new() },
                statements,
            }
        });
        Self {
            groups: groups.collect(),
        }
    }
}
