//! From a value to bytes: one serializer over two sinks, one that counts and one that writes.

use super::{Fault, attachment};
use serde::ser::{self, Serialize};

/// Where encoded bytes go.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);
    /// How many bytes came before.
    fn position(&self) -> usize;
    /// Puts a number in the place of eight bytes that were put before.
    fn replace(&mut self, at: usize, number: u64);
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Counter(usize);

impl Sink for Counter {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn position(&self) -> usize {
        self.0
    }

    fn replace(&mut self, _: usize, _: u64) {}
}

/// Writes into memory of the size counted before; what is too much is counted only.
#[derive(Debug)]
pub(super) struct Filler<'a> {
    pub(super) memory: &'a mut [u8],
    pub(super) position: usize,
}

impl Sink for Filler<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.position + bytes.len();
        if let Some(place) = self.memory.get_mut(self.position..end) {
            place.copy_from_slice(bytes);
        }
        self.position = end;
    }

    fn position(&self) -> usize {
        self.position
    }

    fn replace(&mut self, at: usize, number: u64) {
        if let Some(place) = self.memory.get_mut(at..at + 8) {
            place.copy_from_slice(&number.to_le_bytes());
        }
    }
}

/// Serializes into a sink.
#[derive(Debug)]
pub(super) struct Writer<'a, S>(pub(super) &'a mut S);

macro_rules! numbers {
    ($($method:ident $number:ty),* $(,)?) => {
        $(#[inline]
        fn $method(self, value: $number) -> Result<(), Fault> {
            self.0.put(&value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'a, S: Sink> Writer<'a, S> {
    fn length(&mut self, length: usize) {
        self.0.put(&(length as u64).to_le_bytes());
    }

    fn sequence(mut self, length: Option<usize>) -> Sequence<'a, S> {
        let at = self.0.position();
        self.length(length.unwrap_or(0));
        Sequence {
            sink: self.0,
            at,
            expected: length,
            count: 0,
        }
    }
}

impl<'a, S: Sink> ser::Serializer for Writer<'a, S> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Sequence<'a, S>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Sequence<'a, S>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128,
        serialize_f32 f32, serialize_f64 f64,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.serialize_u8(value.into())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.serialize_u32(value.into())
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Fault> {
        self.length(value.len());
        self.0.put(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.0.put(&[1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
    ) -> Result<(), Fault> {
        self.serialize_u32(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        attachment::arm(name);
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.0.put(&variant.to_le_bytes());
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Ok(self.sequence(length))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Fault> {
        self.0.put(&variant.to_le_bytes());
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Ok(self.sequence(length))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Fault> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Fault> {
        self.0.put(&variant.to_le_bytes());
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A sequence or map, whose length may be known at its end only.
#[derive(Debug)]
pub(super) struct Sequence<'a, S> {
    sink: &'a mut S,
    at: usize,
    expected: Option<usize>,
    count: usize,
}

impl<S: Sink> Sequence<'_, S> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(Writer(&mut *self.sink))
    }

    fn finish(self) {
        if self.expected != Some(self.count) {
            self.sink.replace(self.at, self.count as u64);
        }
    }
}

impl<S: Sink> ser::SerializeSeq for Sequence<'_, S> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.count += 1;
        self.item(value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish();
        Ok(())
    }
}

impl<S: Sink> ser::SerializeMap for Sequence<'_, S> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.count += 1;
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish();
        Ok(())
    }
}

/// Nothing in the bytes would say that a field is missing: what follows would be read in its place.
#[cold]
fn left_out(field: &str) -> Fault {
    Fault::new(format!(
        "its field `{field}` is left out (`skip_serializing_if`), which a compact format cannot say"
    ))
}

macro_rules! fields {
    ($($kind:ident $method:ident ($($key:ty)?)),* $(,)?) => {
        $(impl<S: Sink> ser::$kind for Writer<'_, S> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), Fault> {
                value.serialize(Writer(&mut *self.0))
            }

            $(fn skip_field(&mut self, field: $key) -> Result<(), Fault> {
                Err(left_out(field))
            })?

            fn end(self) -> Result<(), Fault> {
                Ok(())
            }
        })*
    };
}

fields! {
    SerializeTuple serialize_element (),
    SerializeTupleStruct serialize_field (),
    SerializeTupleVariant serialize_field (),
    SerializeStruct serialize_field (&'static str),
    SerializeStructVariant serialize_field (&'static str),
}
