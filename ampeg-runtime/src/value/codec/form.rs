//! Decides which form the values of a type take.
//!
//! The compact form goes by position, and it is right only if a type reads what it writes in the same order and by the
//! same names. Serde's derive does not promise that: `skip_deserializing` on a variant moves those after it,
//! `skip_serializing_if` leaves fields out, `flatten` and `untagged` ask what comes next.
//! So when a value has a shape that no value of its type had before in this process, a description of it is read
//! once, and what is written and what is asked for are compared: kinds, lengths, names of fields and variants.
//! If all of that is the same, the shape is fine for good. Else the type is described from now on, so that its fields
//! are found by name as in JSON. If it cannot be read from that either, it is refused here, where it is written.
//!
//! Why not in the bytes? Names or their hashes would have to be written and compared for each struct, in each value;
//! and a reader that finds them different could only refuse. Here a type is read back once in a thread,
//! and any value a few additions while it is counted.
//!
//! A value that its type refuses although all of this is the same, since its number is too large say, travels and is
//! refused where it is read.
//!
//! Long lists are cut for this, so that a large value takes little more memory. A type that refuses a cut list, as one
//! whose dimensions are beside it does, is described as a whole.

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

/// What is known of a type.
#[derive(Debug)]
enum Known {
    /// These shapes are fine in the compact form.
    Compact(HashSet<u64, Plain>),
    /// It is described.
    Described(Manner),
}

thread_local! {
    /// Sets of shapes that were found to be fine for a type: a shortcut for what is encoded often.
    static RECENT: [Cell<Option<(TypeId, u64)>>; 16] = const { [const { Cell::new(None) }; 16] };
    static KNOWN: RefCell<HashMap<TypeId, Known, Plain>> =
        const { RefCell::new(HashMap::with_hasher(Plain::new())) };
}

/// What is known in this thread; nothing if that is ending, and has forgotten it.
fn with_known<R>(body: impl FnOnce(&mut HashMap<TypeId, Known, Plain>) -> R) -> Option<R> {
    KNOWN.try_with(|known| body(&mut known.borrow_mut())).ok()
}

/// Types and shapes are hashes already.
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

/// The form that values of a type are to have, if they have these shapes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Compact,
    Described(Manner),
    /// No value of these shapes was seen before.
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

/// Finds out whether the compact form is right for a value whose shapes are new; if not, gives its description.
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
    // Memory that is attached is lost on types that buffer what they read, as `flatten` does: then it is copied.
    // A type that is never read by people may not be able to do as if.
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

/// What a type asks for, compared with what it writes.
#[derive(Debug)]
enum Comparison {
    Same,
    Different,
    /// It is the same as far as it goes, but the type refuses the value or panics.
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
    // First with long lists cut.
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

/// What a type's own code gives, unless it panics.
fn caught<R>(read: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
