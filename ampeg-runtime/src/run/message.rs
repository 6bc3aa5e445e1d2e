//! The messages between coordinator and workers; serde only, no I/O.

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

/// A run of a graph; later runs of a pool have larger numbers.
pub(crate) type RunId = u64;

/// Counts the introductions of workers to each other, for the life of a pool.
///
/// Each report carries the epoch that its worker knew when it sent its result to other workers.
/// A worker that was introduced later than that has not got the result.
pub(crate) type Epoch = u64;

/// A message to a worker. Only [`Value`](Self::Value) may also come from other workers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The graph that all runs from now on are about; its captures follow. It replaces the graph before it.
    Graph { descriptor: ConstantAddress },
    /// The next captured value of that graph.
    Capture(Payload),
    /// The steps of each run that begins from now on, as an encoded `Vec<Step>`, and when they are tried again.
    Plan { steps: Payload, retry: Retry },
    /// A run of that plan begins; it ends any other run.
    ///
    /// For a replaced worker, the open steps as an encoded `Vec<OpenStep>`; otherwise all steps are open.
    Begin { run: RunId, open: Option<Payload> },
    /// Computes lost results once more, for the steps of this worker only: an encoded `Vec<Recomputation>` in
    /// topological order.
    Recompute { run: RunId, steps: Payload },
    /// A result that steps here need, from the worker that computed it, or again from the coordinator.
    Value(Value),
    /// Closes steps that are not to be run, since something that they need has failed.
    Skip {
        run: RunId,
        /// Positions in the plan.
        steps: Vec<u32>,
        /// Tasks that were to be computed once more.
        recomputations: Vec<TaskId>,
    },
    /// The run is over: the worker drops its values.
    End { run: RunId },
    /// The graph is gone: the worker drops what it has of it.
    Unload,
    /// There is nothing more to do, ever: the worker ends.
    Stop,
    /// As [`Graph`](Self::Graph), for a worker in this very process: the graph may be in a dynamic library.
    ///
    /// Comes last, since it cannot be sent to a process, and has no number there.
    #[serde(skip)]
    GraphHere(&'static Descriptor),
}

impl ToWorker {
    /// The messages that give a graph to a worker, in this process or in another one.
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

/// A step that is still to be run, by its position in the plan, and which attempt at it comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenStep {
    pub(crate) position: u32,
    pub(crate) attempt: u32,
}

/// A lost result that a worker computes once more for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recomputation {
    pub(crate) step: Step,
    pub(crate) attempt: u32,
    /// The position in the plan of the first step that needs the result: the worker computes it right before that one.
    pub(crate) before: u32,
}

/// A result on its way to a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Value {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) content: Content,
    /// When it was sent.
    pub(crate) sent: Timestamp,
}

/// A result, or as much of it as the worker needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    Whole(Payload),
    Parts(PartsMessage),
}

/// Some of the parts of a result that a worker needs in place of the whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartsMessage {
    pub(crate) parts: Vec<(PartKey, Payload)>,
    /// Whether it is the first message of this result: a receiver then drops parts of an earlier attempt.
    pub(crate) first: bool,
    /// Whether no further message of this result follows.
    pub(crate) last: bool,
}

/// How many bytes and descriptors of parts go into one message; a single one may be larger.
const PARTS_PER_MESSAGE: (u64, usize) = (64 * 1024, 12);

impl Content {
    /// Parts of one result, in messages that stay small.
    pub(crate) fn parts(parts: Vec<(PartKey, Payload)>) -> Vec<Self> {
        let mut messages = vec![Vec::new()];
        let (mut n_bytes, mut n_descriptors) = (0, 0);
        for (key, payload) in parts {
            // The key takes some bytes too.
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

    /// How many bytes it puts into a message.
    pub(crate) fn n_inline(&self) -> u64 {
        self.payloads().map(Payload::n_inline).sum()
    }

    /// How many descriptors it puts into a message.
    pub(crate) fn n_descriptors(&self) -> usize {
        self.payloads().map(Payload::n_descriptors).sum()
    }

    /// The number of bytes that travel.
    pub(crate) fn len(&self) -> u64 {
        self.payloads().map(Payload::len).sum()
    }
}

/// How one attempt at a task went: the only message of a worker to its coordinator.
///
/// It follows the result: the worker has sent that to all workers that use it, as far as it knew them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptReport {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    /// The bytes of an output, or what went wrong.
    pub(crate) result: Result<Option<Payload>, Box<TaskErrorKind>>,
    /// Whether the worker makes another attempt by itself.
    pub(crate) will_retry: bool,
    /// The last introduction of workers that the worker knew of when it sent the result to them.
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

/// What a worker saw of an attempt at a task.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Observed {
    pub(crate) start: Timestamp,
    pub(crate) finish: Timestamp,
    /// The size of the encoded result, if it was encoded.
    pub(crate) bytes: Option<u64>,
    /// The inputs that came from other workers and were used here first.
    pub(crate) arrivals: Vec<Arrival>,
    /// How many nanoseconds it took to write a result that only other workers need.
    pub(crate) encoding: u64,
    /// How many nanoseconds it took to read captured values that were used here first.
    pub(crate) reading: u64,
}

impl Observed {
    /// Nothing but the times; the size of the result is added when it is known.
    pub(crate) fn between(start: Timestamp, finish: Timestamp) -> Self {
        Self {
            start,
            finish,
            ..Self::default()
        }
    }
}

/// How a result came from another worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) task: TaskId,
    pub(crate) from: Option<ProcessorId>,
    pub(crate) sent: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) bytes: u64,
    /// How many nanoseconds it took to decode it.
    pub(crate) decoding: u64,
}

impl Arrival {
    /// The arrival of a message, or the first of several, with a result.
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

    /// Decodes what may be anything; only that it returns counts.
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
        // A value with 5.6 million attachments, of which none is there; found by the fuzz target `message`.
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
