//! Finds the results of which other workers need only parts.

use crate::definition::Definition;
use crate::generated_code::facts::Slot;
use crate::generated_code::inputs::n_values;
use crate::generated_code::part::PartKey;
use ampeg_schedule::{ProcessorId, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A part of a result, and the workers that get this part in place of the whole result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepPart {
    pub(crate) key: PartKey,
    pub(crate) consumers: Vec<ProcessorId>,
}

/// The parts that are sent to other workers, by task. Takes linear time in the number of tasks and dependencies.
///
/// A worker gets parts of a result if none of its tasks uses the whole result. It gets each part once.
pub(super) fn parts(
    definition: &Definition,
    home: impl Fn(TaskId) -> ProcessorId,
) -> HashMap<TaskId, Vec<StepPart>> {
    // With `panic = "abort"`, a missing part must end the worker that uses it, not the worker that would encode it.
    if definition.descriptor.facts().parts.is_empty() || cfg!(panic = "abort") {
        return HashMap::new();
    }
    let mut whole = HashSet::new();
    for_each_use(definition, |user, slot, task| {
        if slot.parts.is_empty() {
            whole.insert((task, home(user)));
        }
    });
    let mut parts: HashMap<TaskId, Vec<StepPart>> = HashMap::new();
    let mut places = HashMap::new();
    for_each_use(definition, |user, slot, task| {
        let consumer = home(user);
        if consumer == home(task) || whole.contains(&(task, consumer)) {
            return;
        }
        let parts = parts.entry(task).or_default();
        for &part in slot.parts {
            let indices = &definition.instance(user).indices;
            let key = definition.descriptor.part_key(part, indices);
            let place = *places.entry((task, key)).or_insert_with_key(|(_, key)| {
                parts.push(StepPart {
                    key: key.clone(),
                    consumers: Vec::new(),
                });
                parts.len() - 1
            });
            let consumers = &mut parts[place].consumers;
            if !consumers.contains(&consumer) {
                consumers.push(consumer);
            }
        }
    });
    parts
}

/// Calls `f` with each task, each of its slots, and each task whose result is in the slot.
fn for_each_use(definition: &Definition, mut f: impl FnMut(TaskId, &Slot, TaskId)) {
    for user in definition.task_graph.task_ids() {
        let instance = definition.instance(user);
        let (mut tasks, mut shape) = (instance.inputs.iter(), instance.shape.iter());
        for slot in definition.statement(user).inputs {
            for &task in tasks.by_ref().take(n_values(slot, &mut shape)) {
                f(user, slot, task);
            }
        }
    }
}
