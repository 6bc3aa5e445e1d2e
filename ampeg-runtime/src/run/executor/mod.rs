//! Runs single tasks on the available values, and drops values after their last use.
//!
//! Worker processes, worker threads and inline runs use the executor. It knows no other worker, and only measures the
//! time to decode and encode values.

use crate::base::bounded;
use crate::base::clock::now;
use crate::base::failure::TaskErrorKind;
use crate::base::panics;
use crate::generated_code::facts::Slot;
use crate::generated_code::inputs::{Input, Inputs, Values, n_values};
use crate::generated_code::part::PartKey;
use crate::generated_code::task_value::Codec;
use crate::plan::Step;
use crate::run::message::{Arrival, Content};
use crate::sys;
use crate::value::payload::Payload;
use ampeg_schedule::{ProcessorId, TaskId};
use entry::{Awaited, Entry, State};
use smallvec::SmallVec;
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;
use user_value::UserValue;

mod entry;
mod loaded;
mod parts;
mod user_value;

pub(crate) use loaded::LoadedGraph;

/// The values of one run on one worker. Dropping the executor drops all of them.
#[derive(Debug)]
pub(crate) struct Executor {
    graph: Rc<LoadedGraph>,
    /// Indexed by task; grows on demand.
    entries: Vec<Entry>,
    /// The number of searches for the inputs of a next step.
    looks: u32,
    /// The nanoseconds spent decoding captured values for the last inputs.
    reading: u64,
    /// Whether each use of a value gets its own copy, made by encoding and decoding.
    copies: bool,
}

/// The variable that makes every result be encoded, and decoded for each use, on any worker.
///
/// It is not a setting of a pool, because inline runs have no pool, and because a whole test suite should be able to
/// run with it unchanged.
const ALWAYS_ENCODE: &str = "AMPEG_ALWAYS_ENCODE";

/// Whether [`ALWAYS_ENCODE`] was set to a value other than 0 when this process first ran a task.
fn always_encodes() -> bool {
    static ALWAYS: OnceLock<bool> = OnceLock::new();
    *ALWAYS.get_or_init(|| std::env::var_os(ALWAYS_ENCODE).is_some_and(|value| value != "0"))
}

/// The encoded result of a step, for the coordinator and other workers.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// The whole result, if some recipient needs it.
    pub(crate) whole: Option<Payload>,
    /// By worker: the parts that it gets in place of the whole result.
    pub(crate) parts: BTreeMap<ProcessorId, Vec<(PartKey, Payload)>>,
    /// The nanoseconds spent encoding a result that is not an output. An output is encoded wherever its users are, so
    /// its encoding is not a cost of sending it.
    pub(crate) encoding: u64,
}

impl Executor {
    pub(crate) fn new(graph: Rc<LoadedGraph>) -> Self {
        Self {
            graph,
            entries: Vec::new(),
            looks: 0,
            reading: 0,
            copies: always_encodes(),
        }
    }

    /// Records that a step will use its inputs on this worker.
    pub(crate) fn add_uses(&mut self, step: &Step) {
        for &input in &step.inputs {
            self.entry(input).uses += 1;
        }
    }

    /// Records that a step no longer uses its inputs. Inputs without other uses on this worker are dropped.
    pub(crate) fn drop_uses(&mut self, step: &Step) {
        for &input in &step.inputs {
            let entry = self.entry(input);
            entry.uses = entry.uses.saturating_sub(1);
            if entry.uses == 0 {
                *entry = Entry::default();
            }
        }
    }

    /// Stores a result or parts of one, if a step will still use it. Returns true if the next step waited for it.
    pub(crate) fn store(&mut self, arrival: Arrival, content: Content) -> bool {
        let looks = self.looks;
        let entry = self.entry(arrival.task);
        if entry.uses == 0 {
            return false;
        }
        match &mut entry.arrival {
            // Parts may arrive in several messages.
            Some(earlier) => {
                earlier.received = arrival.received;
                earlier.bytes += arrival.bytes;
            }
            none => *none = Some(Box::new(arrival)),
        }
        match content {
            Content::Whole(payload) => entry.store(payload),
            Content::Parts(message) => entry.store_parts(message),
        }
        let is_enough = entry.is_whole() || (entry.has_all_parts() && !entry.awaited.whole);
        let was_awaited = looks > 0 && entry.awaited.look == looks && is_enough;
        if was_awaited {
            entry.awaited = Awaited::default();
        }
        was_awaited
    }

    /// Counts the missing inputs of a step. From now on, [`store`](Self::store) returns true when one of these
    /// arrives.
    ///
    /// So an arrival only decrements a count. Checking all inputs at each arrival would take quadratic time for a step
    /// with many inputs.
    pub(crate) fn look_for_inputs(&mut self, step: &Step) -> usize {
        self.looks += 1;
        let descriptor = self.graph.descriptor;
        let statement = &descriptor.facts().statements[step.statement()];
        let (mut tasks, mut shape) = (step.inputs.iter(), step.shape.iter());
        let mut missing = 0;
        for slot in statement.inputs {
            for &task in tasks.by_ref().take(n_values(slot, &mut shape)) {
                missing += usize::from(self.is_newly_missing(task, slot, step));
            }
        }
        missing
    }

    fn is_newly_missing(&mut self, task: TaskId, slot: &Slot, step: &Step) -> bool {
        let (looks, descriptor) = (self.looks, self.graph.descriptor);
        let entry = self.entry(task);
        let key = |&part: &u32| descriptor.part_key(part, &step.indices);
        let has_parts = !slot.parts.is_empty()
            && entry.has_all_parts()
            && slot.parts.iter().all(|part| entry.has_part(&key(part)));
        if entry.is_whole() || has_parts {
            return false;
        }
        let is_new = entry.awaited.look != looks;
        let whole = slot.parts.is_empty() || entry.has_all_parts();
        entry.awaited = Awaited {
            look: looks,
            whole: whole || (!is_new && entry.awaited.whole),
        };
        is_new
    }

    /// The inputs of a step for one attempt. All of them must be present.
    pub(crate) fn inputs(&mut self, step: &Step, attempt: u32) -> Result<Inputs, TaskErrorKind> {
        self.reading = 0;
        if step.given.is_some() {
            return Ok(Inputs::default());
        }
        let descriptor = self.graph.descriptor;
        let statement = &descriptor.facts().statements[step.statement()];
        let mut values = Values::with_capacity(step.inputs.len() + statement.captures.len());
        if let Err(kind) = self.take_inputs(step, attempt, &mut values) {
            // The destructors of the values taken so far are user code, and may panic.
            let _ = panics::catch(move || drop(values));
            return Err(kind);
        }
        let (indices, n_captures) = (
            SmallVec::from_slice(&step.indices),
            statement.captures.len(),
        );
        if step.shape.is_empty() {
            return Ok(Inputs::new(indices, values));
        }
        let (shape, slots) = (step.shape.clone(), statement.inputs);
        Ok(Inputs::folded(indices, values, shape, slots, n_captures))
    }

    fn take_inputs(
        &mut self,
        step: &Step,
        attempt: u32,
        values: &mut Values,
    ) -> Result<(), TaskErrorKind> {
        let descriptor = self.graph.descriptor;
        let statement = &descriptor.facts().statements[step.statement()];
        let mut tasks = step.inputs.iter();
        let mut shape = step.shape.iter();
        for slot in statement.inputs {
            let producer = descriptor.producer(slot.family);
            for &task in tasks.by_ref().take(n_values(slot, &mut shape)) {
                if !slot.parts.is_empty() && self.entry(task).has_all_parts() {
                    values.push(Input::new(self.parts(slot, task, step)?));
                    continue;
                }
                let mut value = self.input(producer, task, step.may_retry(attempt))?;
                if slot.moved && Rc::strong_count(&value) > 1 {
                    value = self.copy(producer, &*value)?;
                }
                values.push(Input::new(value));
            }
        }
        for &capture in statement.captures {
            values.push(Input::new(self.capture(capture as usize)?));
        }
        Ok(())
    }

    /// The nanoseconds spent decoding captured values for the last inputs.
    pub(crate) fn reading(&self) -> u64 {
        self.reading
    }

    /// Runs the body of a step, or decodes the result that the caller gave for it.
    pub(crate) fn call(&self, step: &Step, inputs: Inputs) -> Result<Rc<dyn Any>, TaskErrorKind> {
        if let Some(given) = step.given {
            let codec = self.graph.table.codec(step.statement());
            let value = decode(codec, &self.graph.captures[given as usize]);
            return value.map_err(|reason| TaskErrorKind::NotDeliverable { reason });
        }
        let forks = sys::forks();
        let result = panics::catch(move || {
            let result = self.graph.table.run(step.statement(), &inputs);
            drop(inputs);
            result
        });
        if sys::forks() != forks {
            // This process is a child that the body has forked. Only the parent continues the task.
            sys::exit_now(if result.is_ok() { 0 } else { 101 });
        }
        match result? {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => panics::catch(move || failure.into_kind()).and_then(Err),
            None => Err(undeliverable("the graph has no such task")),
        }
    }

    /// Ends an attempt at a step whose body returned `result`. Returns the bytes for the coordinator and other
    /// workers.
    ///
    /// Each input is dropped after its last use on this worker, unless the attempt failed and another one may follow.
    pub(crate) fn finish(
        &mut self,
        step: &Step,
        attempt: u32,
        result: Result<Rc<dyn Any>, TaskErrorKind>,
    ) -> Result<Encoded, TaskErrorKind> {
        if result.is_ok() || !step.may_retry(attempt) {
            self.drop_uses(step);
        }
        let mut value = UserValue::new(result?);
        if let (true, Some(original)) = (self.copies, value.share()) {
            // The value is replaced by a decoded copy, so that its parts are those of a copy, too.
            let whole = self.encode_whole(step.statement(), &*original)?;
            let codec = self.graph.table.codec(step.statement());
            let copy = decode(codec, &whole);
            value =
                UserValue::new(copy.map_err(|reason| TaskErrorKind::NotDeliverable { reason })?);
        }
        let encoded = match value.share() {
            Some(value) if step.is_encoded() => self.encode(step, &*value)?,
            _ => Encoded::default(),
        };
        if self.entry(step.task).uses > 0 {
            self.entry(step.task).state = match value.share() {
                Some(value) if self.copies => {
                    let whole = encoded.whole.clone();
                    let encode = || self.encode_whole(step.statement(), &*value);
                    State::Encoded(Box::new(whole.map_or_else(encode, Ok)?))
                }
                _ => State::Decoded(value),
            };
        }
        Ok(encoded)
    }

    /// How the inputs of a step arrived, for those inputs that no step has used before.
    pub(crate) fn take_arrivals(&mut self, step: &Step) -> Vec<Arrival> {
        let inputs = step.inputs.iter();
        let arrivals =
            inputs.filter_map(|input| self.entries.get_mut(input.index())?.arrival.take());
        arrivals.map(|arrival| *arrival).collect()
    }

    /// Whether the whole result, or all parts that will come, have arrived.
    #[cfg(test)]
    pub(crate) fn holds(&mut self, task: TaskId) -> bool {
        let entry = self.entry(task);
        entry.is_whole() || entry.has_all_parts()
    }

    fn entry(&mut self, task: TaskId) -> &mut Entry {
        if task.index() >= self.entries.len() {
            self.entries.resize_with(task.index() + 1, Entry::default);
        }
        &mut self.entries[task.index()]
    }

    /// The value of one input. It is decoded at its first use on this worker. At its last use, it is moved out unless
    /// `keep` is true.
    fn input(
        &mut self,
        producer: usize,
        input: TaskId,
        keep: bool,
    ) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let statements = self.graph.descriptor.facts().statements;
        let codec = self.graph.table.codec(producer);
        let copies = self.copies;
        let entry = self.entry(input);
        if !matches!(entry.state, State::Decoded(_)) {
            let start = now();
            let decoded = match &entry.state {
                State::Encoded(payload) => decode(codec, payload),
                _ => Err("it is missing".to_owned()),
            };
            entry.add_decoding(now().saturating_sub(start));
            let value = decoded.map_err(|reason| {
                let cause = statements[producer].undeliverable(reason);
                TaskErrorKind::DependencyFailed { cause }
            })?;
            if copies {
                return Ok(value);
            }
            entry.store_value(value);
        }
        let value = if entry.uses <= 1 && !keep {
            match std::mem::take(&mut entry.state) {
                State::Decoded(value) => value.into_inner(),
                _ => None,
            }
        } else {
            match &entry.state {
                State::Decoded(value) => value.share(),
                _ => None,
            }
        };
        value.ok_or_else(|| undeliverable("an input is missing"))
    }

    /// A copy of a value, for a body that moves the value although other tasks need it. This happens after equal
    /// tasks were merged.
    fn copy(&self, producer: usize, value: &dyn Any) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let codec = self.graph.table.codec(producer);
        let codec = codec.ok_or_else(|| undeliverable("its type is unknown"))?;
        panics::catch(|| codec.copy(value))?.map_err(|reason| {
            let statements = self.graph.descriptor.facts().statements;
            let cause = statements[producer].undeliverable(reason);
            TaskErrorKind::DependencyFailed { cause }
        })
    }

    fn capture(&mut self, capture: usize) -> Result<Rc<dyn Any>, TaskErrorKind> {
        let graph = &self.graph;
        if let Some(value) = graph.held(capture) {
            return Ok(value);
        }
        let start = now();
        let value =
            decode(graph.table.capture(capture), &graph.captures[capture]).map_err(|reason| {
                let name = graph.descriptor.facts().captures[capture];
                let message = format!("the captured value of `{name}` cannot be decoded: {reason}");
                let sources = Vec::new();
                TaskErrorKind::Failed { message, sources }
            })?;
        if graph.is_shared[capture] && !self.copies {
            graph.hold(capture, Rc::clone(&value));
        }
        self.reading += now().saturating_sub(start);
        Ok(value)
    }

    /// The bytes for the coordinator and other workers. A worker gets the whole result if one of its parts cannot be
    /// encoded or does not exist.
    fn encode(&mut self, step: &Step, value: &dyn Any) -> Result<Encoded, TaskErrorKind> {
        let start = if step.output { 0 } else { now() };
        let parts = if step.parts.is_empty() {
            BTreeMap::new()
        } else {
            self.encode_parts(step, value)
        };
        let is_whole = |consumer| !parts.contains_key(consumer);
        let whole = if step.output || step.consumers.iter().any(is_whole) {
            Some(self.encode_whole(step.statement(), value)?)
        } else {
            None
        };
        let encoding = if step.output {
            0
        } else {
            now().saturating_sub(start)
        };
        Ok(Encoded {
            whole,
            parts,
            encoding,
        })
    }

    fn encode_whole(&self, statement: usize, value: &dyn Any) -> Result<Payload, TaskErrorKind> {
        let codec = self.graph.table.codec(statement);
        let codec = codec.ok_or_else(|| undeliverable("its type is unknown"))?;
        panics::catch(|| codec.encode(value))?.map_err(|reason| TaskErrorKind::NotDeliverable {
            reason: bounded::cut(reason),
        })
    }
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
    let decoded = panics::catch(|| decode(codec, payload));
    decoded
        .map_err(|kind| format!("its Deserialize {kind}"))?
        .map_err(bounded::cut)
}

fn undeliverable(reason: &str) -> TaskErrorKind {
    TaskErrorKind::NotDeliverable {
        reason: reason.into(),
    }
}
