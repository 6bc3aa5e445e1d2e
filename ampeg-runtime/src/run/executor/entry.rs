//! A result on one worker: decoded, encoded, or as some encoded parts.

use super::UserValue;
use crate::generated_code::part::PartKey;
use crate::run::message::{Arrival, PartsMessage};
use crate::value::payload::Payload;
use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

/// One task's result on this worker, and the steps that still need it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The number of steps that will still use the result.
    pub(super) uses: u32,
    /// Whether the next step waits for the result.
    pub(super) awaited: Awaited,
    pub(super) state: State,
    /// How the result arrived. The first step that uses it takes this for its report.
    pub(super) arrival: Option<Box<Arrival>>,
}

/// Whether the next step waits for a result, and which search for inputs found this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Awaited {
    /// The number of the search that found this; 0 if no step waits.
    pub(super) look: u32,
    /// Whether the step needs the whole result, so that parts are not enough.
    pub(super) whole: bool,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Absent,
    Decoded(UserValue),
    Encoded(Box<Payload>),
    Parts(Box<Parts>),
}

/// Parts that another worker sent in place of the whole result.
#[derive(Debug, Default)]
pub(super) struct Parts {
    by_key: HashMap<PartKey, HeldPart>,
    /// Whether all parts that were sent have arrived.
    is_complete: bool,
}

#[derive(Debug)]
pub(super) struct HeldPart {
    pub(super) payload: Payload,
    /// The value, once it was decoded.
    pub(super) value: Option<UserValue>,
}

impl Entry {
    /// Stores the whole result in place of parts, unless it was stored before.
    pub(super) fn store(&mut self, payload: Payload) {
        if !self.is_whole() {
            self.state = State::Encoded(Box::new(payload));
        }
    }

    /// Stores parts, unless all of them or the whole result was stored before.
    pub(super) fn store_parts(&mut self, message: PartsMessage) {
        if message.first && !self.is_whole() && !self.has_all_parts() {
            // Earlier parts are from an attempt whose worker died, and may belong to another result.
            self.state = State::Parts(Box::default());
        }
        if let State::Parts(held) = &mut self.state
            && !held.is_complete
        {
            let part = |(key, payload)| {
                (
                    key,
                    HeldPart {
                        payload,
                        value: None,
                    },
                )
            };
            held.by_key.extend(message.parts.into_iter().map(part));
            held.is_complete = message.last;
        }
    }

    /// Stores the decoded value in place of its bytes.
    pub(super) fn store_value(&mut self, value: Rc<dyn Any>) {
        self.state = State::Decoded(UserValue::new(value));
    }

    /// Whether the whole result was stored.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Decoded(_) | State::Encoded(_))
    }

    /// Whether all parts that were sent in place of the whole have arrived.
    pub(super) fn has_all_parts(&self) -> bool {
        matches!(&self.state, State::Parts(parts) if parts.is_complete)
    }

    pub(super) fn has_part(&self, key: &PartKey) -> bool {
        matches!(&self.state, State::Parts(parts) if parts.is_complete && parts.by_key.contains_key(key))
    }

    pub(super) fn part(&mut self, key: &PartKey) -> Option<&mut HeldPart> {
        match &mut self.state {
            State::Parts(parts) => parts.by_key.get_mut(key),
            _ => None,
        }
    }

    /// Adds to the time of decoding the received bytes.
    pub(super) fn add_decoding(&mut self, nanoseconds: u64) {
        if let Some(arrival) = &mut self.arrival {
            arrival.decoding += nanoseconds;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(part: u32) -> PartKey {
        PartKey {
            part,
            indices: Vec::new(),
        }
    }

    fn message(part: u32, byte: u8, (first, last): (bool, bool)) -> PartsMessage {
        PartsMessage {
            parts: vec![(key(part), Payload::copied(&[byte]).unwrap())],
            first,
            last,
        }
    }

    #[test]
    fn parts_are_complete_after_the_last_message() {
        let mut entry = Entry::default();
        entry.store_parts(message(0, 1, (true, false)));
        assert!(!entry.has_part(&key(0)));
        entry.store_parts(message(1, 1, (false, true)));
        assert!(entry.has_part(&key(0)) && entry.has_part(&key(1)) && !entry.is_whole());
        entry.store(Payload::copied(&[2]).unwrap());
        assert!(entry.is_whole() && !entry.has_part(&key(0)));
    }

    #[test]
    fn parts_of_two_attempts_are_never_mixed() {
        let mut entry = Entry::default();
        entry.store_parts(message(0, 1, (true, false)));
        // The sender has died, and the task is run again by another process.
        entry.store_parts(message(0, 2, (true, false)));
        entry.store_parts(message(1, 2, (false, true)));
        // The parts of a third attempt come too late.
        entry.store_parts(message(0, 3, (true, true)));
        for part in [0, 1] {
            assert_eq!(
                entry.part(&key(part)).unwrap().payload.bytes().unwrap(),
                [2]
            );
        }
    }
}
