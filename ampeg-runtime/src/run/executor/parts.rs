//! Parts of results: encoded on the worker that has the whole result, and decoded on the workers that use the parts.

use super::{Executor, UserValue, decode_with};
use crate::base::clock::now;
use crate::base::failure::TaskErrorKind;
use crate::base::panics;
use crate::generated_code::facts::Slot;
use crate::generated_code::inputs::{Input, Inputs};
use crate::generated_code::part::{Carrier, PartKey, Parts};
use crate::plan::Step;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

impl Executor {
    /// By worker: the parts of a result that it gets in place of the whole.
    ///
    /// Leaves out parts that do not exist or cannot be encoded. Their users get the whole result, so that the error
    /// is theirs.
    pub(super) fn encode_parts(
        &mut self,
        step: &Step,
        value: &dyn Any,
    ) -> BTreeMap<ProcessorId, Vec<(PartKey, Payload)>> {
        let mut encoded: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut failed: BTreeSet<ProcessorId> = BTreeSet::new();
        for part in &step.parts {
            // A worker that gets the whole result needs no further parts.
            if part
                .consumers
                .iter()
                .all(|consumer| failed.contains(consumer))
            {
                continue;
            }
            match self.encode_part(&part.key, value) {
                Some(payload) => {
                    for &consumer in &part.consumers {
                        let parts = encoded.entry(consumer).or_default();
                        parts.push((part.key.clone(), payload.clone()));
                    }
                }
                None => failed.extend(&part.consumers),
            }
        }
        encoded.retain(|consumer, _| !failed.contains(consumer));
        encoded
    }

    fn encode_part(&mut self, key: &PartKey, value: &dyn Any) -> Option<Payload> {
        let graph = Rc::clone(&self.graph);
        let carrier = graph.table.carrier(key.part)?;
        let encoded = panics::catch(|| {
            let captures = graph.descriptor.facts().parts[key.part as usize]
                .captures
                .iter();
            let captures =
                captures.map(|&capture| self.capture(capture as usize).map(Input::new).ok());
            let inputs = Inputs::new((&*key.indices).into(), captures.collect::<Option<_>>()?);
            carrier.encode(value, &inputs).ok()
        });
        encoded.ok()?
    }

    /// The parts of a result that a step uses. Each is decoded at its first use on this worker.
    pub(super) fn parts(
        &mut self,
        slot: &Slot,
        task: TaskId,
        step: &Step,
    ) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let descriptor = self.graph.descriptor;
        let mut parts = Vec::with_capacity(slot.parts.len());
        for &part in slot.parts {
            let key = descriptor.part_key(part, &step.indices);
            match self.part(&key, task, slot.moved) {
                Ok(part) => parts.push(part),
                Err(reason) => {
                    // The destructors of the parts taken so far are user code, and may panic.
                    let _ = panics::catch(move || drop(parts));
                    let producer = descriptor.producer(slot.family);
                    let cause = descriptor.facts().statements[producer].undeliverable(reason);
                    return Err(TaskErrorKind::DependencyFailed { cause });
                }
            }
        }
        Ok(Rc::new(Parts(parts)))
    }

    /// One part. If `moved` is true, the step gets its own copy.
    fn part(&mut self, key: &PartKey, task: TaskId, moved: bool) -> Result<Rc<dyn Any>, String> {
        let carrier = self.graph.table.carrier(key.part);
        let keeps = !moved && !self.copies;
        let entry = self.entry(task);
        let held = entry.part(key).ok_or("it is missing")?;
        if let (Some(value), false) = (held.value.as_ref().and_then(UserValue::share), moved) {
            return Ok(value);
        }
        let start = now();
        let value = decode_with(carrier, Carrier::decode, &held.payload)?;
        if keeps {
            held.value = Some(UserValue::new(Rc::clone(&value)));
        }
        entry.add_decoding(now().saturating_sub(start));
        Ok(value)
    }
}
