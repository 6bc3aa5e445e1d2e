//! Which form the values of a type take.
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
//! and a reader that finds them different could only refuse. Here a type costs some microseconds once in a process,
//! and any value a few additions while it is counted.
//!
//! Long lists are cut for this, so that a large value takes little more memory. A type that refuses a cut list, as one
//! whose dimensions are beside it does, is described as a whole.

use super::shape::Shapes;
use super::{describe, described, read_description};
use crate::payload::Payload;
use serde::{Deserialize, Serialize};
use std::any::{TypeId, type_name};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// What is known of a type.
#[derive(Debug)]
enum Known {
    /// These shapes are fine in the compact form.
    Compact(HashSet<u64>),
    /// It is described.
    Described { arms: bool },
}

thread_local! {
    static KNOWN: RefCell<HashMap<TypeId, Known>> = RefCell::new(HashMap::new());
}

/// Whether a type is described, and if so, whether `Shared` attaches its memory there.
pub(super) fn is_described<O: 'static>() -> Option<bool> {
    KNOWN.with_borrow(|known| match known.get(&TypeId::of::<O>()) {
        Some(&Known::Described { arms }) => Some(arms),
        _ => None,
    })
}

/// Whether values of these shapes are fine in the compact form.
pub(super) fn is_compact<O: 'static>(shapes: &Shapes) -> bool {
    KNOWN.with_borrow(|known| match known.get(&TypeId::of::<O>()) {
        Some(Known::Compact(known)) => shapes.as_slice().iter().all(|shape| known.contains(shape)),
        _ => false,
    })
}

/// Finds out whether the compact form is right for a value whose shapes are new; if not, gives its description.
pub(super) fn find<T, O>(value: &T, shapes: &Shapes) -> Result<Option<Payload>, String>
where
    T: Serialize + ?Sized,
    O: Deserialize<'static> + 'static,
{
    let id = TypeId::of::<O>();
    if agrees::<T, O>(value) {
        KNOWN.with_borrow_mut(|known| {
            let known = known
                .entry(id)
                .or_insert_with(|| Known::Compact(HashSet::new()));
            if let Known::Compact(known) = known {
                known.extend(shapes.as_slice());
            }
        });
        return Ok(None);
    }
    let mut refusal = None;
    // Memory that is attached is lost on types that buffer what they read, as `flatten` does: then it is copied.
    for arms in [true, false] {
        let payload = described(value, arms)?;
        match super::decode_fields::<O>(&payload) {
            Ok(_) => {
                KNOWN.with_borrow_mut(|known| known.insert(id, Known::Described { arms }));
                return Ok(Some(payload));
            }
            Err(reason) => {
                refusal.get_or_insert(reason);
            }
        }
    }
    let reason = refusal.unwrap_or_default();
    let name = type_name::<O>();
    Err(format!("`{name}` does not read what it writes: {reason}"))
}

/// Whether a type asks for a value in just the way in which it writes it.
fn agrees<T, O>(value: &T) -> bool
where
    T: Serialize + ?Sized,
    O: Deserialize<'static> + 'static,
{
    // First with long lists cut.
    for samples in [true, false] {
        let Ok((bytes, attached)) = describe(value, true, samples) else {
            return false;
        };
        let payload = Payload::Inline(bytes.into()).with(attached);
        for lends in [false, true] {
            if let Ok((_, agrees)) = read_description::<O>(&payload, lends, true) {
                return agrees;
            }
        }
    }
    false
}
