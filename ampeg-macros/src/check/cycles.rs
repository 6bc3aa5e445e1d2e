//! Cycles that exist for all values of indices. The runtime finds the others when the graph is first used.

use crate::diagnostics::Diagnostics;
use crate::digraph::{self, components, shortest_path};
use crate::resolve::{Graph, Input, Selector, Task};
use std::cmp::Reverse;

/// The members of one statement that another statement needs for all values of indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Each member needs all members.
    AllMembers,
    /// Each member needs the one with the same indices.
    SameMember,
    /// Each member needs some members.
    SomeMembers,
}

/// Reports every certain cycle; true if there is none.
pub(super) fn check(graph: &Graph, diagnostics: &mut Diagnostics) -> bool {
    let needs: Vec<Vec<(usize, Need)>> =
        graph.tasks.iter().map(|task| needs(graph, task)).collect();
    let certain = needs.iter().map(|needs| {
        let certain = needs.iter().filter(|(_, need)| *need != Need::SomeMembers);
        certain.map(|&(predecessor, _)| predecessor).collect()
    });
    let mut cycles = digraph::cycles(&certain.collect::<Vec<_>>());
    if cycles.is_empty() {
        cycles = through_whole_families(&needs);
    }
    for cycle in &cycles {
        report(graph, cycle, diagnostics);
    }
    cycles.is_empty()
}

/// The statements that a statement needs.
fn needs(graph: &Graph, task: &Task) -> Vec<(usize, Need)> {
    let certain = task
        .dependencies
        .iter()
        .filter(|input| input.conditions.is_empty());
    certain
        .flat_map(|input| {
            let statements = &graph.names.families[input.index].statements;
            let need = need(task, input);
            // If several statements declare the family, we cannot tell which of them declares the members that are used.
            // So only uses of the whole family count.
            let is_certain = need == Need::AllMembers || statements.len() == 1;
            statements
                .iter()
                .filter(move |_| is_certain)
                .map(move |&statement| (statement, need))
        })
        .collect()
}

fn need(task: &Task, input: &Input) -> Need {
    let mut places = input.selectors.iter().enumerate();
    if input.is_whole() {
        Need::AllMembers
    } else if input.selectors.len() == task.indices.len()
        && places
            .all(|(place, selector)| matches!(selector, Selector::Same(index) if *index == place))
    {
        Need::SameMember
    } else {
        Need::SomeMembers
    }
}

/// For each component, a shortest cycle on which a statement needs all members of another one.
fn through_whole_families(needs: &[Vec<(usize, Need)>]) -> Vec<Vec<usize>> {
    let uses: Vec<Vec<usize>> = needs
        .iter()
        .map(|needs| needs.iter().map(|&(task, _)| task).collect())
        .collect();
    let mut cycles = Vec::new();
    for mut component in components(&uses) {
        component.sort_unstable();
        let wholes = component.iter().flat_map(|&task| {
            let wholes = needs[task]
                .iter()
                .filter(|(_, need)| *need == Need::AllMembers);
            wholes.map(move |&(predecessor, _)| (predecessor, task))
        });
        let paths = wholes.filter(|(predecessor, _)| component.binary_search(predecessor).is_ok());
        let paths = paths.filter_map(|(predecessor, task)| {
            shortest_path(&uses, predecessor, |node| node == task)
        });
        if let Some(mut cycle) = paths.min_by_key(Vec::len) {
            cycle.reverse();
            let smallest = (0..cycle.len()).max_by_key(|&place| Reverse(cycle[place]));
            cycle.rotate_left(smallest.unwrap_or(0));
            cycles.push(cycle);
        }
    }
    cycles.sort_unstable();
    cycles
}

/// Reports each dependency of a cycle at its use; the first message has the whole path.
fn report(graph: &Graph, cycle: &[usize], diagnostics: &mut Diagnostics) {
    let name = |task: usize| graph.name(&graph.tasks[task]);
    let use_of = |task: usize, predecessor: usize| {
        let mut inputs = graph.tasks[task].dependencies.iter();
        inputs.find(|input| {
            input.index == graph.tasks[predecessor].family && input.conditions.is_empty()
        })
    };
    if let [task] = *cycle {
        let span = use_of(task, task).map(|input| input.span);
        let span = span.unwrap_or_else(|| graph.tasks[task].statement.name.span());
        let name = name(task);
        let message = format!("task `{name}` depends on itself: `{name} → {name}`");
        diagnostics.error_at(span, message);
        return;
    }
    let path: Vec<String> = cycle
        .iter()
        .chain([&cycle[0]])
        .map(|&task| name(task))
        .collect();
    let path = path.join(" → ");
    for (position, &task) in cycle.iter().enumerate() {
        let predecessor = cycle[(position + cycle.len() - 1) % cycle.len()];
        let Some(input) = use_of(task, predecessor) else {
            continue;
        };
        let needs = format!("`{}` needs `{}` here", name(task), name(predecessor));
        let message = match position {
            0 => format!("tasks depend on each other in a cycle, `{path}`: {needs}"),
            _ => format!("{needs}, on the cycle `{path}`"),
        };
        diagnostics.error_at(input.span, message);
    }
}
