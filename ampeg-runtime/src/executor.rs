//! Runs single tasks on the values at hand, and knows how long a value is needed.
//!
//! It is what all engines share: a worker process, a worker thread, and a run inline.
//! It knows no other worker, and of time only what it takes to move values in and out.

use crate::clock::now;
use crate::facts::Slot;
use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::inputs::{Input, Inputs, Values, n_values};
use crate::panics;
use crate::part::PartKey;
use crate::payload::Payload;
use crate::plan::Step;
use crate::task::{Descriptor, Table};
use crate::value::Codec;
use held::Held;
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

mod held;
mod parts;

/// The values on one worker, and what is needed to run the tasks of one graph on them.
pub(crate) struct Executor {
    descriptor: &'static Descriptor,
    captures: Vec<Payload>,
    capture_values: Vec<Option<Rc<dyn Any>>>,
    /// Whether each capture has several uses; a body that is its only user may take it.
    is_shared: Vec<bool>,
    table: Table,
    /// By task; as long as the largest number seen asks for.
    held: Vec<Held>,
    /// Whether parts of results have come from other workers.
    has_parts: bool,
    spent: Spent,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held.iter().filter(|held| held.is_whole());
        f.debug_struct("Executor")
            .field("held", &held.count())
            .finish_non_exhaustive()
    }
}

/// What it took to move inputs and results of a step, in nanoseconds of the time that the step took.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    /// Writing a result that is no output, which nobody would do if all that need it were here.
    pub(crate) encoding: u64,
    /// Reading each input that came from elsewhere.
    pub(crate) decoding: Vec<(TaskId, u64)>,
}

/// What of a result leaves this worker.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// All of it, if somebody needs that.
    pub(crate) whole: Option<Payload>,
    /// What goes to these workers in place of the whole.
    pub(crate) parts: HashMap<ProcessorId, Vec<(PartKey, Payload)>>,
}

impl Executor {
    pub(crate) fn new(descriptor: &'static Descriptor, captures: Vec<Payload>) -> Self {
        Self {
            descriptor,
            capture_values: vec![None; captures.len()],
            captures,
            is_shared: shared_captures(descriptor),
            table: descriptor.table(),
            held: Vec::new(),
            has_parts: false,
            spent: Spent::default(),
        }
    }

    /// Notes that a step will use its inputs here.
    pub(crate) fn expect(&mut self, step: &Step) {
        for &input in &step.inputs {
            self.held_mut(input).uses += 1;
        }
    }

    /// Notes that a step will not use its inputs after all.
    pub(crate) fn forgo(&mut self, step: &Step) {
        for &input in &step.inputs {
            self.release(input);
        }
    }

    /// Keeps a result that another worker sent.
    pub(crate) fn keep(&mut self, task: TaskId, payload: Payload) {
        self.held_mut(task).keep(payload);
    }

    /// Keeps parts of a result that another worker sent.
    pub(crate) fn keep_parts(&mut self, task: TaskId, parts: Vec<(PartKey, Payload)>) {
        self.has_parts = true;
        self.held_mut(task).keep_parts(parts);
    }

    /// Whether all inputs of a step are here.
    pub(crate) fn is_ready(&self, step: &Step) -> bool {
        if !self.has_parts {
            return step.inputs.iter().all(|input| self.has(*input));
        }
        let (mut tasks, mut shape) = (step.inputs.iter(), step.shape.iter());
        let statement = &self.descriptor.facts().statements[step.statement()];
        statement.inputs.iter().all(|slot| {
            let mut tasks = tasks.by_ref().take(n_values(slot, &mut shape));
            tasks.all(|&task| self.has(task) || self.has_parts_of(task, slot, step))
        })
    }

    /// Whether all of a task's result is here.
    fn has(&self, task: TaskId) -> bool {
        self.held.get(task.index()).is_some_and(Held::is_whole)
    }

    /// Whether all parts of a task's result are here that a step uses, and no more is needed.
    fn has_parts_of(&self, task: TaskId, slot: &Slot, step: &Step) -> bool {
        let Some(held) = self.held.get(task.index()) else {
            return false;
        };
        let mut parts = slot.parts.iter();
        let key = |&part| self.descriptor.part_key(part, &step.indices);
        !slot.parts.is_empty() && parts.all(|part| held.has_part(&key(part)))
    }

    /// Lets go of all values, and of decoded captures, which a body may have taken.
    pub(crate) fn clear(&mut self) {
        std::mem::take(&mut self.held)
            .into_iter()
            .for_each(quietly_drop);
        self.has_parts = false;
        for value in &mut self.capture_values {
            quietly_drop_value(value.take());
        }
    }

    /// Runs a step whose inputs are all here; gives the bytes of what is needed elsewhere.
    ///
    /// Each input is let go at its last use here, unless the step failed and may be tried again.
    pub(crate) fn run(&mut self, step: &Step) -> Result<Encoded, TaskErrorKind> {
        let result = self.inputs(step).and_then(|inputs| self.call(step, inputs));
        let value = match result {
            Ok(value) => value,
            Err(kind) => {
                if !step.keep_inputs() {
                    self.forgo(step);
                }
                return Err(kind);
            }
        };
        self.forgo(step);
        let encoded = if step.encode() {
            self.encode(step, &*value)?
        } else {
            Encoded::default()
        };
        let held = self.held_mut(step.task);
        if held.uses > 0 {
            held.decoded(value);
        } else {
            quietly_drop(std::mem::take(held));
            quietly_drop_value(Some(value));
        }
        Ok(encoded)
    }

    /// What was spent since this was asked last.
    pub(crate) fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    fn held_mut(&mut self, task: TaskId) -> &mut Held {
        if task.index() >= self.held.len() {
            self.held.resize_with(task.index() + 1, Held::default);
        }
        &mut self.held[task.index()]
    }

    fn release(&mut self, task: TaskId) {
        let held = self.held_mut(task);
        held.uses = held.uses.saturating_sub(1);
        if held.uses == 0 {
            quietly_drop(std::mem::take(held));
        }
    }

    fn inputs(&mut self, step: &Step) -> Result<Inputs, TaskErrorKind> {
        let statement = &self.descriptor.facts().statements[step.statement()];
        let mut values = Values::with_capacity(step.inputs.len() + statement.captures.len());
        let mut tasks = step.inputs.iter();
        let mut shape = step.shape.iter();
        for slot in statement.inputs {
            let producer = self.descriptor.producer(slot.family);
            for &task in tasks.by_ref().take(n_values(slot, &mut shape)) {
                if self.has_parts && !self.has(task) && !slot.parts.is_empty() {
                    values.push(Input::new(self.parts(slot, task, step)?));
                    continue;
                }
                let mut value = self.input(producer, task, step)?;
                if slot.moved && Rc::strong_count(&value) > 1 {
                    value = self.copy(producer, &*value)?;
                }
                values.push(Input::new(value));
            }
        }
        for &capture in statement.captures {
            values.push(Input::new(self.capture(capture as usize)?));
        }
        let (indices, n_captures) = (step.indices.clone(), statement.captures.len());
        if step.shape.is_empty() {
            return Ok(Inputs::new(indices, values));
        }
        let (shape, slots) = (step.shape.clone(), statement.inputs);
        Ok(Inputs::folded(indices, values, shape, slots, n_captures))
    }

    /// The value of one input, decoded at its first use here, and given away at its last.
    fn input(
        &mut self,
        producer: usize,
        input: TaskId,
        step: &Step,
    ) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let statements = self.descriptor.facts().statements;
        let codec = self.table.codec(producer);
        let mut decoding = None;
        let held = self.held_mut(input);
        if held.value.is_none() {
            let start = now();
            let decoded = match held.payload() {
                Some(payload) => decode(codec, payload),
                None => Err("it is missing".to_owned()),
            };
            decoding = Some((input, now().saturating_sub(start)));
            let value = decoded.map_err(|reason| {
                let cause = statements[producer].undeliverable(reason);
                TaskErrorKind::DependencyFailed { cause }
            })?;
            held.decoded(value);
        }
        let value = if held.uses <= 1 && !step.keep_inputs() {
            held.value.take()
        } else {
            held.value.clone()
        };
        self.spent.decoding.extend(decoding);
        value.ok_or_else(|| undeliverable("an input is missing"))
    }

    /// A copy for a body that moves the value out, though others need it too: duplicates were merged.
    fn copy(&self, producer: usize, value: &dyn Any) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let codec = self.table.codec(producer);
        let codec = codec.ok_or_else(|| undeliverable("its type is unknown"))?;
        panics::catch(|| codec.copy(value))?.map_err(|reason| {
            let cause = self.descriptor.facts().statements[producer].undeliverable(reason);
            TaskErrorKind::DependencyFailed { cause }
        })
    }

    fn capture(&mut self, capture: usize) -> Result<Rc<dyn Any>, TaskErrorKind> {
        if let Some(value) = &self.capture_values[capture] {
            return Ok(Rc::clone(value));
        }
        let value =
            decode(self.table.capture(capture), &self.captures[capture]).map_err(|reason| {
                let name = self.descriptor.facts().captures[capture];
                let message = format!("the captured value of `{name}` cannot be decoded: {reason}");
                let sources = Vec::new();
                TaskErrorKind::Failed { message, sources }
            })?;
        if self.is_shared[capture] {
            self.capture_values[capture] = Some(Rc::clone(&value));
        }
        Ok(value)
    }

    fn call(&self, step: &Step, inputs: Inputs) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let result = panics::catch(move || {
            let result = self.table.run(step.statement(), &inputs);
            drop(inputs);
            result
        })?;
        match result {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => panics::catch(move || failure.into_kind()).and_then(Err),
            None => Err(undeliverable("the graph has no such task")),
        }
    }

    /// What others need of a result: the whole wherever a part cannot travel by itself, or does not exist.
    fn encode(&mut self, step: &Step, value: &dyn Any) -> Result<Encoded, TaskErrorKind> {
        let start = if step.output { 0 } else { now() };
        let parts = self.encode_parts(step, value);
        let is_whole = |consumer| !parts.contains_key(consumer);
        let whole = if step.output || step.consumers.iter().any(is_whole) {
            Some(self.encode_whole(step.statement(), value)?)
        } else {
            None
        };
        if !step.output {
            self.spent.encoding = now().saturating_sub(start);
        }
        Ok(Encoded { whole, parts })
    }

    fn encode_whole(&self, statement: usize, value: &dyn Any) -> Result<Payload, TaskErrorKind> {
        let codec = self
            .table
            .codec(statement)
            .ok_or_else(|| undeliverable("its type is unknown"))?;
        panics::catch(|| codec.encode(value))?
            .map_err(|reason| TaskErrorKind::NotDeliverable { reason })
    }
}

/// Whether each capture is used by more than one task.
fn shared_captures(descriptor: &Descriptor) -> Vec<bool> {
    let mut uses = vec![0_u32; descriptor.facts().captures.len()];
    for statement in descriptor.facts().statements {
        // A statement with indices stands for any number of tasks.
        let tasks = if statement.indices.is_empty() { 1 } else { 2 };
        for &capture in statement.captures {
            uses[capture as usize] += tasks;
        }
    }
    uses.into_iter().map(|uses| uses > 1).collect()
}

fn decode(codec: Option<Codec>, payload: &Payload) -> Result<Rc<dyn Any>, String> {
    decode_with(codec, Codec::decode, payload)
}

fn decode_with<C>(
    codec: Option<C>,
    decode: impl FnOnce(C, &Payload) -> Result<Rc<dyn Any>, String>,
    payload: &Payload,
) -> Result<Rc<dyn Any>, String> {
    let codec = codec.ok_or("its type is unknown")?;
    panics::catch(|| decode(codec, payload)).map_err(|kind| format!("its Deserialize {kind}"))?
}

fn undeliverable(reason: &str) -> TaskErrorKind {
    TaskErrorKind::NotDeliverable {
        reason: reason.into(),
    }
}

/// Drops values of the user's.
fn quietly_drop(held: Held) {
    held.into_values()
        .for_each(|value| quietly_drop_value(Some(value)));
}

/// Drops a value of the user's; a panic in its destructor concerns no task any more.
fn quietly_drop_value(value: Option<Rc<dyn Any>>) {
    if value.is_none() {
        return;
    }
    // The result that the value belonged to has been used: the panic hook has told what is to tell.
    let _ = panics::catch(move || drop(value));
}
