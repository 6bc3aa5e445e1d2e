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
            self.set_bytes(Some(Box::new(Bytes::Whole(payload))));
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
            for (key, payload) in parts {
                let value = None;
                quietly_drop_part(held.insert(key, HeldPart { payload, value }));
            }
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
        self.set_bytes(None);
    }

    fn set_bytes(&mut self, bytes: Option<Box<Bytes>>) {
        let old = std::mem::replace(&mut self.bytes, bytes);
        if let Some(Bytes::Parts(parts)) = old.map(|old| *old) {
            for part in parts.into_values() {
                quietly_drop_part(Some(part));
            }
        }
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

/// Drops what another result has replaced, with a value of the user's, whose destructor may panic.
fn quietly_drop_part(part: Option<HeldPart>) {
    super::quietly_drop_value(part.and_then(|part| part.value));
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Explosive;

    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }

    /// A part that is here, with a value whose destructor panics.
    fn with_part() -> (Held, PartKey) {
        let key = PartKey {
            part: 0,
            indices: Vec::new(),
        };
        let mut held = Held::default();
        held.keep_parts(vec![(key.clone(), Payload::copied(&[1]).unwrap())]);
        held.part(&key).unwrap().value = Some(Rc::new(Explosive));
        (held, key)
    }

    #[test]
    fn parts_that_are_replaced_may_panic_as_they_are_dropped() {
        let payload = || Payload::copied(&[2]).unwrap();
        let (mut held, key) = with_part();
        held.keep_parts(vec![(key.clone(), payload())]);
        assert!(held.has_part(&key) && held.part(&key).unwrap().value.is_none());
        let (mut held, key) = with_part();
        held.keep(payload());
        assert!(held.is_whole() && !held.has_part(&key));
        let (mut held, _) = with_part();
        held.decoded(Rc::new(3));
        assert!(held.is_whole() && held.payload().is_none());
    }
}
