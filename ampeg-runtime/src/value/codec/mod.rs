//! Encodes and decodes values, in one of two forms.
//!
//! The *compact* form has numbers in fixed width and little-endian, fields one after another, lengths in 8 bytes.
//! A value is counted first and then written straight to where it travels, which is shared memory if it is large.
//! Numbers, strings, and vectors of numbers that are a whole result are copied as they are.
//!
//! The form that *describes itself* has kinds and names too (`describe`). It is for types that do not read what they
//! write in the same order and by the same names, or that ask what comes next, as with many attributes of serde.
//! Which form a type needs is found out where its values are written, when something in them is new (`form`).
//!
//! Measured for 10 MB, in milliseconds on one busy core, where copying them to a new vector took 1.0.
//! Encoding ends in shared memory here, of which new pages take 9 to 10; postcard's ends in a vector that is yet to be
//! copied there.
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
//! So vectors of bytes inside other types want `serde_bytes`, or to be `Shared`.
//!
//! Bytes that are cut, padded or garbled are an error; memory is reserved only for what the bytes left can fill.

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

/// Encodes a slice as [`encode`] does a vector of the same.
pub(crate) fn encode_slice<T>(slice: &[T]) -> Result<Payload, String>
where
    T: Serialize + Deserialize<'static> + 'static,
{
    match raw::slice_bytes(slice) {
        Some(bytes) => Payload::copied(bytes),
        None => encode_as::<[T], Vec<T>>(slice),
    }
}

/// Decodes what [`encode`] gave.
pub(crate) fn decode<T: Deserialize<'static> + 'static>(payload: &Payload) -> Result<T, String> {
    match raw::value(payload.bytes()?) {
        Some(value) => value,
        None => decode_fields(payload),
    }
}

/// Encodes a value that is decoded as an `O`, in the form that is right for it.
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

/// Encodes parts of messages, which are read as they are written.
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

/// The compact form, of a size that was counted.
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

/// A description of the value, ready to travel.
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

/// Decodes what [`encode_as`] or [`encode_fields`] gave.
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

/// Reads a value, and again with texts lent for ever if it refuses those that it has to copy.
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

/// Reads a description; by position, where names allow it, or by name.
///
/// Says too whether the compact form would have been read the same way, up to the end or the fault.
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
