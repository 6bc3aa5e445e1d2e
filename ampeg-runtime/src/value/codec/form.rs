//! Decides which form the values of a type take.
//!
//! The compact form has no names, so it is right only if a type reads the same fields in the same order as it writes
//! them. Serde's derive does not guarantee this: `skip_deserializing` on a variant changes the numbers of later
//! variants, `skip_serializing_if` leaves out fields, and `flatten` and `untagged` ask for the kind of the next
//! value.
//! So the first value with a new shape in this thread is described and read back once. This compares what the type
//! writes with what it asks for: kinds, lengths, and the names of fields and variants. If all are the same, later
//! values of this shape use the compact form. Otherwise, all values of the type are described from now on, so that
//! fields are found by name, as in JSON. If the type cannot read the description either, encoding fails.
//!
//! The alternative is to write names or their hashes into each value, and to compare them while reading. This would
//! cost time for every struct, and the reader could only refuse a difference. The comparison here reads a shape back
//! once in a thread, and costs a few additions for every other value.
//!
//! A type may refuse a value although kinds, lengths and names are the same, for example because a number is too large.
//! Such a value is sent, and its reader gets the error.
//!
//! The description that is read back has only the beginning of long lists, so that a large value takes little more
//! memory. If the type refuses a cut list, because it also stores the length for example, the whole value is
//! described.

use super::describe::Manner;
use super::shape::Shapes;
use super::{describe, described, lending, read_description};
use crate::value::payload::Payload;
use serde::{Deserialize, Serialize};
use std::any::{TypeId, type_name};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What this thread knows about a type.
#[derive(Debug)]
enum Known {
    /// Values of these shapes use the compact form.
    Compact(HashSet<u64, Plain>),
    /// All values are described.
    Described(Manner),
}

thread_local! {
    /// Pairs of a type and a set of shapes for which the compact form is right, so that a common value needs one
    /// comparison.
    static RECENT: [Cell<Option<(TypeId, u64)>>; 16] = const { [const { Cell::new(None) }; 16] };
    static KNOWN: RefCell<HashMap<TypeId, Known, Plain>> =
        const { RefCell::new(HashMap::with_hasher(Plain::new())) };
}

/// Calls `body` with the knowledge of this thread; none if the thread is ending and has dropped it.
fn with_known<R>(body: impl FnOnce(&mut HashMap<TypeId, Known, Plain>) -> R) -> Option<R> {
    KNOWN.try_with(|known| body(&mut known.borrow_mut())).ok()
}

/// The keys are hashes already, so they need no hash function.
type Plain = BuildHasherDefault<Itself>;

#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The form for a value of a type, by the value's shapes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Compact,
    Described(Manner),
    /// The value has a shape that no earlier value of the type had.
    Unknown,
}

impl Form {
    pub(super) fn of<O: 'static>(shapes: &Shapes) -> Self {
        let key = Some((TypeId::of::<O>(), shapes.sum()));
        let place = (shapes.sum() >> 60) as usize;
        if RECENT.with(|recent| recent[place].get() == key) {
            return Self::Compact;
        }
        let form = Self::look_up::<O>(shapes);
        if let Self::Compact = form {
            RECENT.with(|recent| recent[place].set(key));
        }
        form
    }

    fn look_up<O: 'static>(shapes: &Shapes) -> Self {
        let found = with_known(|known| match known.get(&TypeId::of::<O>()) {
            Some(&Known::Described(manner)) => Self::Described(manner),
            Some(Known::Compact(known)) if shapes.all(|shape| known.contains(&shape)) => {
                Self::Compact
            }
            _ => Self::Unknown,
        });
        found.unwrap_or(Self::Unknown)
    }
}

/// Decides the form of a value with a new shape. Returns its description if the compact form is wrong for it.
pub(super) fn find<T, O>(value: &T, shapes: &Shapes) -> Result<Option<Payload>, String>
where
    T: Serialize + ?Sized,
    O: Deserialize<'static> + 'static,
{
    let id = TypeId::of::<O>();
    let comparison = compare::<T, O>(value);
    if let Comparison::Same = comparison {
        with_known(|known| {
            let known = known
                .entry(id)
                .or_insert_with(|| Known::Compact(HashSet::default()));
            if let Known::Compact(known) = known {
                known.extend(shapes.as_slice());
            }
        });
        return Ok(None);
    }
    let mut refusal = None;
    // Attachments need no copies, so the first manner has them. Types that buffer their content, as with `flatten`,
    // lose attachments, so the second manner copies shared memory. The third is for types that do not support
    // human-readable formats.
    for (arms, readable) in [(true, true), (false, true), (true, false)] {
        let manner = Manner { arms, readable };
        let Some(written) = caught(|| described(value, manner)) else {
            continue;
        };
        let read = |payload| Ok((super::decode_fields::<O>(&payload)?, payload));
        match caught(|| written.and_then(read)) {
            Some(Ok((_, payload))) => {
                with_known(|known| known.insert(id, Known::Described(manner)));
                return Ok(Some(payload));
            }
            Some(Err(reason)) => {
                refusal.get_or_insert(reason);
            }
            None => {}
        }
    }
    if let Comparison::Refused = comparison {
        return Ok(None);
    }
    let reason = refusal.unwrap_or_else(|| "its Deserialize panics".to_owned());
    let name = type_name::<O>();
    Err(format!("`{name}` does not read what it writes: {reason}"))
}

/// The result of comparing what a type writes with what it asks for.
#[derive(Debug)]
enum Comparison {
    Same,
    Different,
    /// No difference was found, but the type refuses the value or panics.
    Refused,
}

fn compare<T, O>(value: &T) -> Comparison
where
    T: Serialize + ?Sized,
    O: Deserialize<'static> + 'static,
{
    let manner = Manner {
        arms: true,
        readable: false,
    };
    // Long lists are cut in the first round.
    for samples in [true, false] {
        let Ok((bytes, attached)) = describe(value, manner, samples) else {
            return Comparison::Different;
        };
        let payload = Payload::Inline(bytes.into()).with(attached);
        let read = |lends| read_description::<O>(&payload, lends, true);
        match caught(|| lending(read)) {
            Some((Ok(_), true)) => return Comparison::Same,
            Some((Ok(_), false)) => return Comparison::Different,
            Some((Err(_), true)) | None if !samples => return Comparison::Refused,
            _ => {}
        }
    }
    Comparison::Different
}

/// The result of the type's own code; none if it panics.
fn caught<R>(read: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
