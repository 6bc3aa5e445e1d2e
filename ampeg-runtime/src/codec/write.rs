//! From a value to bytes: one serializer for all sinks.

use super::shape::{Kind, Shape};
use super::sink::Sink;
use super::{Fault, attachment};
use fields::Fields;
use sequence::Sequence;
use serde::ser::{self, Serialize};
use std::any::type_name;

mod fields;
mod sequence;

/// Serializes into a sink.
#[derive(Debug)]
pub(super) struct Writer<'a, S>(pub(super) &'a mut S);

macro_rules! numbers {
    ($($method:ident $kind:ident $number:ty),* $(,)?) => {
        $(#[inline]
        fn $method(self, value: $number) -> Result<(), Fault> {
            self.0.kind(Kind::$kind);
            self.0.put(&value.to_le_bytes());
            Ok(())
        })*
    };
}

/// Writes what is in another value; its kind.
#[inline]
fn inner<T: Serialize + ?Sized, S: Sink>(sink: &mut S, value: &T) -> Result<u64, Fault> {
    sink.next_is(type_name::<T>());
    value.serialize(Writer(&mut *sink))?;
    Ok(sink.last() as u64)
}

#[inline]
fn put_length(sink: &mut impl Sink, length: usize) {
    sink.put(&(length as u64).to_le_bytes());
}

/// A place for a number that is known later.
#[inline]
fn place(sink: &mut impl Sink) -> usize {
    let at = sink.position();
    put_length(sink, 0);
    at
}

impl<'a, S: Sink> Writer<'a, S> {
    #[inline]
    fn fields(self, kind: Kind, name: &'static str) -> Result<Fields<'a, S>, Fault> {
        let mut shape = self.0.begin(kind)?;
        shape.name(name);
        Ok(Fields::new(self.0, kind, shape, kind))
    }

    /// The beginning of a variant: its number and its name.
    #[inline]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<Shape, Fault> {
        let mut shape = self.0.begin(Kind::Variant)?;
        shape.name(name);
        shape.name(variant);
        shape.add(index.into());
        self.0.put(&index.to_le_bytes());
        if S::DESCRIBES {
            let from = self.0.n_names();
            let at = place(self.0);
            self.0.name(variant);
            self.0.seal(from, at);
        }
        Ok(shape)
    }
}

impl<'a, S: Sink> ser::Serializer for Writer<'a, S> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Sequence<'a, S>;
    type SerializeTuple = Fields<'a, S>;
    type SerializeTupleStruct = Fields<'a, S>;
    type SerializeTupleVariant = Fields<'a, S>;
    type SerializeMap = Sequence<'a, S>;
    type SerializeStruct = Fields<'a, S>;
    type SerializeStructVariant = Fields<'a, S>;

    numbers! {
        serialize_i8 I8 i8, serialize_i16 I16 i16, serialize_i32 I32 i32, serialize_i64 I64 i64,
        serialize_i128 I128 i128, serialize_u8 U8 u8, serialize_u16 U16 u16, serialize_u32 U32 u32,
        serialize_u64 U64 u64, serialize_u128 U128 u128, serialize_f32 F32 f32, serialize_f64 F64 f64,
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.0.kind(Kind::Bool);
        self.0.put(&[value.into()]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.0.kind(Kind::Char);
        self.0.put(&u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.0.kind(Kind::Text);
        put_length(self.0, value.len());
        self.0.put(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        self.0.kind(Kind::Bytes);
        put_length(self.0, value.len());
        self.0.put(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.0.kind(Kind::None);
        if !S::DESCRIBES {
            self.0.put(&[0]);
        }
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        let mut shape = self.0.begin(Kind::Some)?;
        if !S::DESCRIBES {
            self.0.put(&[1]);
        }
        shape.add(inner(self.0, value)?);
        self.0.end(Kind::Some, shape);
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Fault> {
        self.0.kind(Kind::Unit);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        let shape = self.variant(name, index, variant)?;
        self.0.kind(Kind::Unit);
        self.0.end(Kind::Variant, shape);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        if self.0.arms() {
            attachment::arm(name);
        }
        inner(self.0, value)?;
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        let mut shape = self.variant(name, index, variant)?;
        shape.add(inner(self.0, value)?);
        self.0.end(Kind::Variant, shape);
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Sequence::new(self.0, Kind::Sequence, length)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Fields<'a, S>, Fault> {
        self.fields(Kind::Tuple, "")
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Fields<'a, S>, Fault> {
        self.fields(Kind::Tuple, name)
    }

    fn serialize_tuple_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a, S>, Fault> {
        let shape = self.variant(name, index, variant)?;
        self.0.kind(Kind::Tuple);
        Ok(Fields::new(self.0, Kind::Variant, shape, Kind::Tuple))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Sequence::new(self.0, Kind::Map, length)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'a, S>, Fault> {
        self.fields(Kind::Struct, name)
    }

    fn serialize_struct_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a, S>, Fault> {
        let shape = self.variant(name, index, variant)?;
        self.0.kind(Kind::Struct);
        Ok(Fields::new(self.0, Kind::Variant, shape, Kind::Struct))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.0.is_readable()
    }
}
