//! Parts of results: encoded where the whole is, decoded where they are used.

use super::{Executor, decode_with};
use crate::clock::now;
use crate::facts::Slot;
use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::inputs::{Input, Inputs};
use crate::panics;
use crate::part::{Carrier, PartKey, Parts};
use crate::payload::Payload;
use crate::plan::Step;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

impl Executor {
    /// The parts of a result for each worker that gets them in place of the whole.
    ///
    /// A part that cannot be encoded by itself, or that does not exist, is not told of here: those who use it get the
    /// whole, and are the ones to fail.
    pub(super) fn encode_parts(
        &mut self,
        step: &Step,
        value: &dyn Any,
    ) -> HashMap<ProcessorId, Vec<(PartKey, Payload)>> {
        let mut encoded: HashMap<_, Vec<_>> = HashMap::new();
        let mut failed: HashSet<ProcessorId> = HashSet::new();
        for part in &step.parts {
            // What goes to some worker as a whole anyway needs no further parts.
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
        let carrier = self.table.carrier(key.part)?;
        let captures = self.descriptor.facts().parts[key.part as usize]
            .captures
            .iter();
        let captures = captures.map(|&capture| self.capture(capture as usize).map(Input::new).ok());
        let inputs = Inputs::new((&*key.indices).into(), captures.collect::<Option<_>>()?);
        panics::catch(move || carrier.encode(value, &inputs))
            .ok()?
            .ok()
    }

    /// The parts of a result that a step uses, decoded at their first use here.
    pub(super) fn parts(
        &mut self,
        slot: &Slot,
        task: TaskId,
        step: &Step,
    ) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let parts = slot.parts.iter().map(|&part| {
            let key = self.descriptor.part_key(part, &step.indices);
            let value = self.part(&key, task, slot.moved);
            value.map_err(|reason| {
                let producer = self.descriptor.producer(slot.family);
                let cause = self.descriptor.facts().statements[producer].undeliverable(reason);
                TaskErrorKind::DependencyFailed { cause }
            })
        });
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Rc::new(Parts(parts)))
    }

    /// One part; a value of the step's own if it is moved.
    fn part(&mut self, key: &PartKey, task: TaskId, moved: bool) -> Result<Rc<dyn Any>, String> {
        let carrier = self.table.carrier(key.part);
        let held = self.held_mut(task).part(key).ok_or("it is missing")?;
        if let (Some(value), false) = (&held.value, moved) {
            return Ok(Rc::clone(value));
        }
        let start = now();
        let value = decode_with(carrier, Carrier::decode, &held.payload)?;
        if !moved {
            held.value = Some(Rc::clone(&value));
        }
        self.spent
            .decoding
            .push((task, now().saturating_sub(start)));
        Ok(value)
    }
}
