//! The messages between coordinator and workers. This module does no I/O.

use crate::base::clock::Timestamp;
use crate::base::failure::TaskErrorKind;
use crate::base::run_error::RunErrorKind;
use crate::definition::Definition;
use crate::generated_code::part::PartKey;
use crate::generated_code::task::Descriptor;
use crate::plan::Step;
use crate::plan::retry::Retry;
use crate::sys::ConstantAddress;
use crate::value::payload::Payload;
use ampeg_schedule::Error;
use ampeg_schedule::{ProcessorId, TaskId};
use serde::{Deserialize, Serialize};

/// The number of a run. Later runs of a pool have larger numbers.
pub(crate) type RunId = u64;

/// The number of introductions of workers to each other, counted for the life of a pool.
///
/// Each report has the epoch that its worker knew when it sent the result to other workers. A worker that was
/// introduced in a later epoch has not received the result.
pub(crate) type Epoch = u64;

/// A message to a worker. Only [`Value`](Self::Value) may also come from other workers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The graph of all runs from now on, in place of the previous graph. Its captures follow.
    Graph { descriptor: ConstantAddress },
    /// The next captured value of the graph.
    Capture(Payload),
    /// The steps of each run that begins from now on, as an encoded `Vec<Step>`, and the settings for retries.
    Plan { steps: Payload, retry: Retry },
    /// A run of the current plan begins, and any other run ends.
    ///
    /// A replaced worker gets its open steps as an encoded `Vec<OpenStep>`. Otherwise, all steps are open.
    Begin { run: RunId, open: Option<Payload> },
    /// The worker computes lost results again, for its own steps only. They are an encoded `Vec<Recomputation>` in
    /// topological order.
    Recompute { run: RunId, steps: Payload },
    /// A result that steps of the worker need, from the worker that computed it, or sent again by the coordinator.
    Value(Value),
    /// The worker closes steps that must not be run, because a task that they need has failed.
    Skip {
        run: RunId,
        /// The positions of the steps in the plan.
        steps: Vec<u32>,
        /// The tasks that must not be computed again.
        recomputations: Vec<TaskId>,
    },
    /// The run is over: the worker drops its values.
    End { run: RunId },
    /// The graph is gone: the worker drops its code and values.
    Unload,
    /// The worker ends.
    Stop,
    /// Like [`Graph`](Self::Graph), for a worker in this process, where the graph may be in a dynamic library.
    ///
    /// This variant comes last because it is never serialized, and so must not change the numbers of the others.
    #[serde(skip)]
    GraphHere(&'static Descriptor),
}

impl ToWorker {
    /// The messages that send a graph to a worker, in this process or in another one.
    pub(crate) fn graph(definition: &Definition, is_here: bool) -> Result<Vec<Self>, Error> {
        let graph = if is_here {
            Self::GraphHere(definition.descriptor)
        } else {
            let descriptor = ConstantAddress::of(definition.descriptor);
            let descriptor = descriptor.ok_or(RunErrorKind::Elsewhere)?;
            Self::Graph { descriptor }
        };
        let captures = definition
            .captures
            .values
            .iter()
            .cloned()
            .map(Self::Capture);
        Ok(std::iter::once(graph).chain(captures).collect())
    }
}

/// A step that is still to be run: its position in the plan, and the number of its next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenStep {
    pub(crate) position: u32,
    pub(crate) attempt: u32,
}

/// A lost result that a worker computes again for its own steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recomputation {
    pub(crate) step: Step,
    pub(crate) attempt: u32,
    /// The position in the plan of the first step that needs the result. The worker computes the result right before
    /// this step.
    pub(crate) before: u32,
}

/// A result that is sent to a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Value {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) content: Content,
    /// The time at which it was sent.
    pub(crate) sent: Timestamp,
}

/// A result, or the parts of it that the worker needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    Whole(Payload),
    Parts(PartsMessage),
}

/// Some of the parts that a worker gets in place of a whole result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartsMessage {
    pub(crate) parts: Vec<(PartKey, Payload)>,
    /// Whether this is the first message with parts of this result. The receiver then drops parts of an earlier
    /// attempt.
    pub(crate) first: bool,
    /// Whether this is the last message with parts of this result.
    pub(crate) last: bool,
}

/// The bytes and descriptors of parts in one message. A single part may have more.
const PARTS_PER_MESSAGE: (u64, usize) = (64 * 1024, 12);

impl Content {
    /// Parts of one result, split into messages that stay small.
    pub(crate) fn parts(parts: Vec<(PartKey, Payload)>) -> Vec<Self> {
        let mut messages = vec![Vec::new()];
        let (mut n_bytes, mut n_descriptors) = (0, 0);
        for (key, payload) in parts {
            // The key takes some bytes, too.
            let bytes = payload.n_inline() + 16 + 10 * key.indices.len() as u64;
            let descriptors = payload.n_descriptors();
            let (max_bytes, max_descriptors) = PARTS_PER_MESSAGE;
            let is_full =
                n_bytes + bytes > max_bytes || n_descriptors + descriptors > max_descriptors;
            if is_full && messages.last().is_some_and(|last| !last.is_empty()) {
                messages.push(Vec::new());
                (n_bytes, n_descriptors) = (0, 0);
            }
            n_bytes += bytes;
            n_descriptors += descriptors;
            messages
                .last_mut()
                .expect("one is there from the start")
                .push((key, payload));
        }
        let n_messages = messages.len();
        let message = |(index, parts)| {
            Self::Parts(PartsMessage {
                parts,
                first: index == 0,
                last: index + 1 == n_messages,
            })
        };
        messages.into_iter().enumerate().map(message).collect()
    }

    fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let (whole, parts) = match self {
            Self::Whole(payload) => (Some(payload), &[][..]),
            Self::Parts(message) => (None, &message.parts[..]),
        };
        whole
            .into_iter()
            .chain(parts.iter().map(|(_, payload)| payload))
    }

    /// The number of bytes that this puts into a message.
    pub(crate) fn n_inline(&self) -> u64 {
        self.payloads().map(Payload::n_inline).sum()
    }

    /// The number of descriptors that this puts into a message.
    pub(crate) fn n_descriptors(&self) -> usize {
        self.payloads().map(Payload::n_descriptors).sum()
    }

    /// The number of encoded bytes, in messages and in shared memory.
    pub(crate) fn len(&self) -> u64 {
        self.payloads().map(Payload::len).sum()
    }
}

/// The end of one attempt at a task. This is the only message from a worker to its coordinator.
///
/// The report follows the result: before the report, the worker has sent the result to all workers that use it and
/// that it knew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptReport {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    /// The bytes of an output, or the error.
    pub(crate) result: Result<Option<Payload>, Box<TaskErrorKind>>,
    /// Whether the worker makes another attempt without being asked.
    pub(crate) will_retry: bool,
    /// The last epoch that the worker knew when it sent the result to other workers.
    pub(crate) epoch: Epoch,
    pub(crate) observed: Observed,
}

impl AttemptReport {
    /// The report of an attempt at a step.
    pub(crate) fn new(
        run: RunId,
        step: &Step,
        attempt: u32,
        result: Result<Option<Payload>, TaskErrorKind>,
        observed: Observed,
        retry: Retry,
    ) -> Self {
        let may_retry = step.may_retry(attempt);
        Self {
            run,
            task: step.task,
            attempt,
            will_retry: matches!(&result, Err(kind) if may_retry && retry.applies_to(kind)),
            result: result.map_err(Box::new),
            epoch: 0,
            observed,
        }
    }
}

/// The measurements of a worker for one attempt at a task.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Observed {
    pub(crate) start: Timestamp,
    pub(crate) finish: Timestamp,
    /// The size of the encoded result, if it was encoded.
    pub(crate) bytes: Option<u64>,
    /// The inputs that arrived from other workers, and that no earlier attempt on this worker has used.
    pub(crate) arrivals: Vec<Arrival>,
    /// The nanoseconds spent encoding a result that is not an output.
    pub(crate) encoding: u64,
    /// The nanoseconds spent decoding captured values at their first use.
    pub(crate) reading: u64,
}

impl Observed {
    /// Measurements with only these times. The size of the result is added later.
    pub(crate) fn between(start: Timestamp, finish: Timestamp) -> Self {
        Self {
            start,
            finish,
            ..Self::default()
        }
    }
}

/// How a result arrived from another worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) task: TaskId,
    pub(crate) from: Option<ProcessorId>,
    pub(crate) sent: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) bytes: u64,
    /// The nanoseconds spent decoding it.
    pub(crate) decoding: u64,
}

impl Arrival {
    /// The arrival of a result, by its only or its first message.
    pub(crate) fn new(from: Option<ProcessorId>, value: &Value, received: Timestamp) -> Self {
        Self {
            task: value.task,
            from,
            sent: value.sent,
            received,
            bytes: value.content.len(),
            decoding: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    /// Decodes any bytes. The test only checks that this returns.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> bool {
        postcard::from_bytes::<T>(bytes).is_ok()
    }

    #[test]
    fn random_bytes_are_decoded_or_refused() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200_000 {
            let length = random.usize(0..60);
            let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            if let Some(first) = bytes.first_mut() {
                *first %= 11;
            }
            decode::<ToWorker>(&bytes);
            decode::<AttemptReport>(&bytes);
        }
    }

    #[test]
    fn announced_lengths_take_no_memory() {
        // A value with 5.6 million attachments, none of which is present. Found by the fuzz target `message`.
        assert!(!decode::<ToWorker>(&[1, 2, 1, 0, 255, 255, 255, 2]));
    }

    #[test]
    fn damaged_messages_are_decoded_or_refused() {
        let mut random = fastrand::Rng::with_seed(8);
        let value = Value {
            run: 3,
            task: TaskId::new(4),
            content: Content::Whole(Payload::Inline(smallvec::smallvec![1, 2, 3])),
            sent: 99,
        };
        let report = AttemptReport {
            run: 3,
            task: TaskId::new(4),
            attempt: 1,
            result: Err(Box::new(TaskErrorKind::Cancelled)),
            will_retry: false,
            epoch: 0,
            observed: Observed::between(1, 2),
        };
        let messages = [
            postcard::to_stdvec(&ToWorker::Value(value)).unwrap(),
            postcard::to_stdvec(&report).unwrap(),
        ];
        for message in messages {
            for length in 0..message.len() {
                let cut = &message[..length];
                assert!(!decode::<ToWorker>(cut) || !decode::<AttemptReport>(cut));
            }
            for _ in 0..50_000 {
                let mut bytes = message.clone();
                let place = random.usize(0..bytes.len());
                bytes[place] ^= 1 << random.u8(0..8);
                decode::<ToWorker>(&bytes);
                decode::<AttemptReport>(&bytes);
            }
        }
    }
}
