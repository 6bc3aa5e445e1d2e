//! What is here of one task's result: its value, its bytes, or parts of it.

use crate::part::PartKey;
use crate::payload::Payload;
use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;

/// What is here of one task's result.
#[derive(Default)]
pub(super) struct Held {
    /// How many steps are still to use it.
    pub(super) uses: u32,
    pub(super) value: Option<Rc<dyn Any>>,
    /// What came from another worker, until it is decoded.
    bytes: Option<Box<Bytes>>,
}

enum Bytes {
    Whole(Payload),
    Parts(HashMap<PartKey, HeldPart>),
}

/// A part that came from another worker.
pub(super) struct HeldPart {
    pub(super) payload: Payload,
    /// Its value, once it has been decoded.
    pub(super) value: Option<Rc<dyn Any>>,
}

impl Held {
    /// Keeps the whole; parts are no longer needed.
    pub(super) fn keep(&mut self, payload: Payload) {
        if self.value.is_none() {
            self.bytes = Some(Box::new(Bytes::Whole(payload)));
        }
    }

    /// Keeps parts, unless the whole is here.
    pub(super) fn keep_parts(&mut self, parts: Vec<(PartKey, Payload)>) {
        if self.is_whole() {
            return;
        }
        let bytes = self
            .bytes
            .get_or_insert_with(|| Box::new(Bytes::Parts(HashMap::new())));
        if let Bytes::Parts(held) = &mut **bytes {
            let part = |(key, payload)| {
                (
                    key,
                    HeldPart {
                        payload,
                        value: None,
                    },
                )
            };
            held.extend(parts.into_iter().map(part));
        }
    }

    /// Whether the whole is here.
    pub(super) fn is_whole(&self) -> bool {
        self.value.is_some() || self.payload().is_some()
    }

    /// The bytes of the whole.
    pub(super) fn payload(&self) -> Option<&Payload> {
        match self.bytes.as_deref() {
            Some(Bytes::Whole(payload)) => Some(payload),
            _ => None,
        }
    }

    /// Whether this part is here.
    pub(super) fn has_part(&self, key: &PartKey) -> bool {
        matches!(self.bytes.as_deref(), Some(Bytes::Parts(parts)) if parts.contains_key(key))
    }

    pub(super) fn part(&mut self, key: &PartKey) -> Option<&mut HeldPart> {
        match self.bytes.as_deref_mut() {
            Some(Bytes::Parts(parts)) => parts.get_mut(key),
            _ => None,
        }
    }

    /// Keeps the value in place of its bytes.
    pub(super) fn decoded(&mut self, value: Rc<dyn Any>) {
        self.value = Some(value);
        self.bytes = None;
    }

    /// All values in it.
    pub(super) fn into_values(self) -> impl Iterator<Item = Rc<dyn Any>> {
        let parts = match self.bytes.map(|bytes| *bytes) {
            Some(Bytes::Parts(parts)) => parts,
            _ => HashMap::new(),
        };
        let parts = parts.into_values().filter_map(|part| part.value);
        self.value.into_iter().chain(parts)
    }
}
