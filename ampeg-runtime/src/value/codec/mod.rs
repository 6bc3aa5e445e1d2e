//! Encodes and decodes values, in one of two forms.
//!
//! The *compact* form has numbers of fixed width in little-endian order, fields one after another, and lengths in 8
//! bytes. The size of a value is counted first. Then the value is written to its final place, which is shared memory
//! if the value is large. A result that is a number, a string or a vector of numbers is copied as bytes.
//!
//! The *self-describing* form also has kinds and names (`describe`). It is for types that read other fields than they
//! write, or in another order, or that ask for the kind of the next value. Many of serde's attributes have this
//! effect. The sender finds out which form a type needs, when a value of the type has a new shape (`form`).
//!
//! Times for 10 MB in milliseconds, on one busy core. A copy to a new vector takes 1.0 ms. Encoding ends in shared
//! memory, whose new pages take 9 to 10 ms. Encoding with postcard ends in a vector, which would still have to be
//! copied to shared memory.
//!
//! | value | encode | decode | postcard: encode | decode |
//! | --- | --- | --- | --- | --- |
//! | `Vec<f64>` | 10.6 | 1.2 | 2.5 | 2.4 |
//! | `Vec<u64>` | 11.8 | 1.2 | 14.1 | 4.4 |
//! | `Vec<u8>` | 9.8 | 1.1 | 17.0 | 18.4 |
//! | `String` | 9.6 | 2.7 | 0.9 | 1.8 |
//! | `Vec<Vec<f64>>` | 12.1 | 3.1 | 2.2 | 2.7 |
//! | `Vec<(u32, f64)>` | 14.0 | 3.1 | 5.3 | 3.4 |
//! | `(Vec<u8>,)` | 22.9 | 22.1 | 17.1 | 18.4 |
//!
//! So a vector of bytes inside another type is faster with `serde_bytes` or as `Shared`.
//!
//! Bytes that are cut, padded or garbled are an error. Memory is only reserved for as many elements as the remaining
//! bytes can hold.

use crate::value::payload::{Payload, SHARED_FROM};
use crate::value::segment::{Segment, Use};
use describe::Manner;
use fault::{Fault, WANTS_LOAN};
use form::Form;
use serde::{Deserialize, Serialize};
use sink::{Counter, Filler, Sink as _};
use smallvec::smallvec;
use std::any::type_name;
use write::Writer;

pub(crate) mod attachment;
mod depth;
mod describe;
mod described;
mod fault;
mod form;
mod interned;
mod raw;
mod read;
mod shape;
mod sink;
#[cfg(test)]
mod tests;
mod write;

/// Encodes a result, or a captured value.
pub(crate) fn encode<T>(value: &T) -> Result<Payload, String>
where
    T: Serialize + Deserialize<'static> + 'static,
{
    match raw::bytes(value) {
        Some(bytes) => Payload::copied(bytes),
        None => encode_as::<T, T>(value),
    }
}

/// Encodes a slice like a vector with the same elements.
pub(crate) fn encode_slice<T>(slice: &[T]) -> Result<Payload, String>
where
    T: Serialize + Deserialize<'static> + 'static,
{
    match raw::slice_bytes(slice) {
        Some(bytes) => Payload::copied(bytes),
        None => encode_as::<[T], Vec<T>>(slice),
    }
}

/// Decodes the output of [`encode`].
pub(crate) fn decode<T: Deserialize<'static> + 'static>(payload: &Payload) -> Result<T, String> {
    match raw::value(payload.bytes()?) {
        Some(value) => value,
        None => decode_fields(payload),
    }
}

/// Encodes a value that will be decoded as an `O`, in the form that is right for this type.
pub(crate) fn encode_as<T, O>(value: &T) -> Result<Payload, String>
where
    T: Serialize + ?Sized,
    O: Deserialize<'static> + 'static,
{
    let mut counter = Counter::new();
    let size = count(value, type_name::<O>(), &mut counter)?;
    match Form::of::<O>(&counter.shapes) {
        Form::Compact => fill(value, size),
        Form::Described(manner) => described(value, manner),
        Form::Unknown => match form::find::<T, O>(value, &counter.shapes)? {
            Some(payload) => Ok(payload),
            None => fill(value, size),
        },
    }
}

/// Encodes a part of a message. Its types read what they write, so the compact form is right.
pub(crate) fn encode_fields<T: Serialize + ?Sized>(value: &T) -> Result<Payload, String> {
    let size = count(value, "", &mut Counter::new())?;
    fill(value, size)
}

/// The size of the compact form.
fn count<T: Serialize + ?Sized>(
    value: &T,
    of: &'static str,
    counter: &mut Counter,
) -> Result<usize, String> {
    attachment::exchange(Vec::new());
    let outcome = value.serialize(Writer::new(&mut *counter, of));
    attachment::exchange(Vec::new());
    Ok(counter.finish(outcome.map_err(Fault::into_message)?))
}

/// The compact form, whose size was counted before.
fn fill<T: Serialize + ?Sized>(value: &T, size: usize) -> Result<Payload, String> {
    let (bytes, written) = if size < SHARED_FROM {
        let mut bytes = smallvec![0; size];
        let written = write_into(value, &mut bytes);
        (Payload::Inline(bytes), written)
    } else {
        let fill = |memory: &mut [u8]| write_into(value, memory);
        let (memory, written) = Segment::filled(size, Use::Encoded, fill)?;
        (Payload::Shared(memory), written)
    };
    let attached = attachment::exchange(Vec::new());
    if written? != size {
        return Err("its Serialize gives something else each time".into());
    }
    Ok(bytes.with(attached))
}

fn write_into<T: Serialize + ?Sized>(value: &T, memory: &mut [u8]) -> Result<usize, String> {
    let mut filler = Filler::new(memory);
    value
        .serialize(Writer::new(&mut filler, ""))
        .map_err(Fault::into_message)?;
    Ok(filler.position())
}

/// The self-describing form, ready to be sent.
fn described<T: Serialize + ?Sized>(value: &T, manner: Manner) -> Result<Payload, String> {
    let (bytes, attached) = describe(value, manner, false).map_err(Fault::into_message)?;
    Ok(Payload::copied(&bytes)?.described().with(attached))
}

fn describe<T: Serialize + ?Sized>(
    value: &T,
    manner: Manner,
    samples: bool,
) -> Result<(Vec<u8>, Vec<Segment>), Fault> {
    let mut describer = describe::Describer::new(manner, samples);
    attachment::exchange(Vec::new());
    let outcome = value.serialize(Writer::new(&mut describer, ""));
    let attached = attachment::exchange(Vec::new());
    outcome?;
    Ok((describer.finish()?, attached))
}

/// Decodes the output of [`encode_as`] or [`encode_fields`].
pub(crate) fn decode_fields<T: Deserialize<'static>>(payload: &Payload) -> Result<T, String> {
    let read = |lends| {
        if payload.is_described() {
            read_description(payload, lends, false)
        } else {
            (read_compact(payload, lends), true)
        }
    };
    lending(read).0.map_err(Fault::into_message)
}

/// Reads a value. If the type only accepts borrowed texts, reads it a second time and leaks all texts.
fn lending<T>(read: impl Fn(bool) -> (Result<T, Fault>, bool)) -> (Result<T, Fault>, bool) {
    WANTS_LOAN.set(false);
    match read(false) {
        (Err(_), _) if WANTS_LOAN.get() => read(true),
        other => other,
    }
}

fn read_compact<T: Deserialize<'static>>(payload: &Payload, lends: bool) -> Result<T, Fault> {
    let mut reader = read::Reader::new(payload.bytes().map_err(Fault::new)?, lends);
    attachment::exchange(payload.attached().to_vec());
    let result = T::deserialize(&mut reader);
    attachment::exchange(Vec::new());
    match result {
        Ok(_) if !reader.bytes.is_empty() => Err(left_over()),
        other => other,
    }
}

/// Reads a description, by name, or by position where names allow it and `by_position` is true.
///
/// Also returns whether the compact form would be read in the same way, up to the end or the fault.
fn read_description<T: Deserialize<'static>>(
    payload: &Payload,
    lends: bool,
    by_position: bool,
) -> (Result<T, Fault>, bool) {
    let bytes = payload.bytes().map_err(Fault::new);
    let parts = match bytes.and_then(describe::parts) {
        Ok(parts) => parts,
        Err(fault) => return (Err(fault), false),
    };
    let mut described = described::Described::new(&parts, lends, by_position);
    attachment::exchange(payload.attached().to_vec());
    let result = T::deserialize(&mut described);
    attachment::exchange(Vec::new());
    match result {
        Ok(_) if !described.is_done() => (Err(left_over()), false),
        other => (other, described.agrees),
    }
}

#[cold]
fn left_over() -> Fault {
    Fault::new("bytes are left over: its Serialize and Deserialize disagree")
}
