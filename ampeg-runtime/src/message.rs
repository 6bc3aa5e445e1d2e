//! What crosses between coordinator and workers; serde only, no I/O.

use crate::definition::Definition;
use crate::error::Error;
use crate::failure::TaskErrorKind;
use crate::id::{ProcessorId, TaskId};
use crate::part::PartKey;
use crate::payload::Payload;
use crate::plan::Step;
use crate::run_error::RunErrorKind;
use crate::sys::DescriptorAddress;
use serde::{Deserialize, Serialize};

/// Nanoseconds on a clock that all processes of this machine share.
pub(crate) type Timestamp = u64;

/// A run of a graph; later runs of a pool have larger numbers.
pub(crate) type RunId = u64;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The graph that all runs from now on are about; its captures follow.
    Graph { descriptor: DescriptorAddress },
    /// The next captured value of that graph.
    Capture(Payload),
    /// The steps of all runs that begin from now on; those that come before the last of them count too, if there was
    /// `more`.
    Plan { steps: Vec<Step>, more: bool },
    /// A run of that plan begins.
    Begin { run: RunId },
    /// More to do in a run: behind all other steps, but for lost results, which come before what needs them.
    ///
    /// If there is `more`, nothing is done before that has come: it may need the results of these.
    Steps {
        run: RunId,
        steps: Vec<Step>,
        more: bool,
    },
    /// A result that steps here need.
    Value(Value),
    /// These tasks are not to be run: something that they need has failed.
    Skip { run: RunId, tasks: Vec<TaskId> },
    /// The run is over.
    End { run: RunId },
    /// There is nothing more to do, ever.
    Stop,
}

impl ToWorker {
    /// The messages that give a graph to a worker.
    pub(crate) fn load(definition: &Definition) -> Result<Vec<Self>, Error> {
        let descriptor = DescriptorAddress::of(definition.descriptor);
        let descriptor = descriptor.ok_or(RunErrorKind::Elsewhere)?;
        let captures = definition.captures.iter().cloned().map(Self::Capture);
        Ok(std::iter::once(Self::Graph { descriptor })
            .chain(captures)
            .collect())
    }
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
    Parts(Vec<(PartKey, Payload)>),
}

/// How many bytes and descriptors of parts go into one message; a single one may be larger.
const PARTS_PER_MESSAGE: (u64, usize) = (64 * 1024, 12);

impl Content {
    /// Parts of one result, in messages that stay small.
    pub(crate) fn messages(parts: Vec<(PartKey, Payload)>) -> Vec<Self> {
        let mut messages = Vec::new();
        let mut message = Vec::new();
        let (mut n_bytes, mut n_descriptors) = (0, 0);
        for (key, payload) in parts {
            let (bytes, descriptors) = (payload.n_inline(), payload.n_descriptors());
            let (most_bytes, most_descriptors) = PARTS_PER_MESSAGE;
            let is_full =
                n_bytes + bytes > most_bytes || n_descriptors + descriptors > most_descriptors;
            if is_full && !message.is_empty() {
                messages.push(Self::Parts(std::mem::take(&mut message)));
                (n_bytes, n_descriptors) = (0, 0);
            }
            // What tells the part takes some bytes too.
            n_bytes += bytes + 16 + 10 * key.indices.len() as u64;
            n_descriptors += descriptors;
            message.push((key, payload));
        }
        messages.push(Self::Parts(message));
        messages
    }

    /// The number of bytes that travel.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Whole(payload) => payload.len(),
            Self::Parts(parts) => parts.iter().map(|(_, payload)| payload.len()).sum(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// A task with a time limit has started.
    Started {
        run: RunId,
        task: TaskId,
        attempt: u32,
    },
    /// An attempt at a task is over.
    Ended(Ended),
    /// The graph of the last `Graph` message cannot be run here.
    Refused { reason: String },
}

/// An attempt at a task that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) start: Timestamp,
}

/// How one attempt at a task went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    /// The bytes of an output, or what went wrong.
    pub(crate) result: Result<Option<Payload>, Box<TaskErrorKind>>,
    /// Whether the worker tries again by itself.
    pub(crate) tries_again: bool,
    /// How many changes of its peers the worker knew of when it sent the result to them.
    pub(crate) peer_changes: u32,
    pub(crate) observed: Observed,
}

impl Ended {
    /// The end of an attempt at a step, known to no peer yet.
    pub(crate) fn new(
        run: RunId,
        step: &Step,
        result: Result<Option<Payload>, TaskErrorKind>,
        observed: Observed,
    ) -> Self {
        Self {
            run,
            task: step.task,
            attempt: step.attempt,
            tries_again: matches!(&result, Err(kind) if step.tries_again(kind)),
            result: result.map_err(Box::new),
            peer_changes: 0,
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

/// An input that came from another worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) task: TaskId,
    pub(crate) from: Option<ProcessorId>,
    pub(crate) sent: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) bytes: u64,
    /// How many nanoseconds it took to read it.
    pub(crate) decoding: u64,
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
                *first %= 8;
            }
            decode::<ToWorker>(&bytes);
            decode::<FromWorker>(&bytes);
        }
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
        let ended = Ended {
            run: 3,
            task: TaskId::new(4),
            attempt: 1,
            result: Err(Box::new(TaskErrorKind::Cancelled)),
            tries_again: false,
            peer_changes: 0,
            observed: Observed::between(1, 2),
        };
        let messages = [
            postcard::to_stdvec(&ToWorker::Value(value)).unwrap(),
            postcard::to_stdvec(&FromWorker::Ended(ended)).unwrap(),
        ];
        for message in messages {
            for length in 0..message.len() {
                let cut = &message[..length];
                assert!(!decode::<ToWorker>(cut) || !decode::<FromWorker>(cut));
            }
            for _ in 0..50_000 {
                let mut bytes = message.clone();
                let place = random.usize(0..bytes.len());
                bytes[place] ^= 1 << random.u8(0..8);
                decode::<ToWorker>(&bytes);
                decode::<FromWorker>(&bytes);
            }
        }
    }
}
