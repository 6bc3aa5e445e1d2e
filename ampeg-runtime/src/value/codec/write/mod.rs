//! Encodes values: one serializer for all sinks.

use super::shape::{Kind, Shape};
use super::sink::Sink;
use super::{Fault, attachment};
use fields::Fields;
use sequence::Sequence;
use serde::ser::{self, Serialize};
use std::any::type_name;

mod fields;
mod sequence;

/// Serializes into a sink. Returns the kind of the value, which becomes a part of the outer value's shape.
#[derive(Debug)]
pub(super) struct Writer<'a, S> {
    sink: &'a mut S,
    /// The address of the name of the value's type.
    of: usize,
}

impl<'a, S: Sink> Writer<'a, S> {
    /// A writer for a value whose type has this name.
    #[inline]
    pub(super) fn new(sink: &'a mut S, of: &'static str) -> Self {
        let of = of.as_ptr() as usize;
        Self { sink, of }
    }
}

macro_rules! numbers {
    ($($method:ident $kind:ident $number:ty),* $(,)?) => {
        $(#[inline]
        fn $method(self, value: $number) -> Result<Kind, Fault> {
            self.sink.kind(Kind::$kind);
            self.sink.put(&value.to_le_bytes());
            Ok(Kind::$kind)
        })*
    };
}

/// Writes a value inside another one, and returns its kind.
#[inline]
fn inner<T: Serialize + ?Sized, S: Sink>(sink: &mut S, value: &T) -> Result<Kind, Fault> {
    value.serialize(Writer::new(sink, type_name::<T>()))
}

#[inline]
fn put_length(sink: &mut impl Sink, length: usize) {
    sink.put(&(length as u64).to_le_bytes());
}

/// Reserves eight bytes for a number that is known later, and returns their position.
#[inline]
fn place(sink: &mut impl Sink) -> usize {
    let at = sink.position();
    put_length(sink, 0);
    at
}

impl<'a, S: Sink> Writer<'a, S> {
    #[inline]
    fn fields(self, kind: Kind, name: &'static str) -> Result<Fields<'a, S>, Fault> {
        let mut shape = self.sink.begin(kind, self.of)?;
        shape.name(name);
        Ok(Fields::new(self.sink, kind, shape, kind))
    }

    /// The fields of a struct or tuple in a variant.
    fn fields_of_variant(
        mut self,
        kind: Kind,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<Fields<'a, S>, Fault> {
        let shape = self.variant(name, index, variant)?;
        self.sink.kind(kind);
        Ok(Fields::new(self.sink, Kind::Variant, shape, kind))
    }

    /// The beginning of a variant: its number and its name.
    #[inline]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<Shape, Fault> {
        let mut shape = self.sink.begin(Kind::Variant, self.of)?;
        shape.name(name);
        shape.name(variant);
        shape.add(index.into());
        self.sink.put(&index.to_le_bytes());
        if S::DESCRIBES {
            let from = self.sink.n_names();
            let at = place(&mut *self.sink);
            self.sink.name(variant);
            self.sink.seal(from, at);
        }
        Ok(shape)
    }
}

impl<'a, S: Sink> ser::Serializer for Writer<'a, S> {
    type Ok = Kind;
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
    fn serialize_bool(self, value: bool) -> Result<Kind, Fault> {
        self.sink.kind(Kind::Bool);
        self.sink.put(&[value.into()]);
        Ok(Kind::Bool)
    }

    fn serialize_char(self, value: char) -> Result<Kind, Fault> {
        self.sink.kind(Kind::Char);
        self.sink.put(&u32::from(value).to_le_bytes());
        Ok(Kind::Char)
    }

    fn serialize_str(self, value: &str) -> Result<Kind, Fault> {
        self.sink.kind(Kind::Text);
        put_length(self.sink, value.len());
        self.sink.put(value.as_bytes());
        Ok(Kind::Text)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Kind, Fault> {
        self.sink.kind(Kind::Bytes);
        put_length(self.sink, value.len());
        self.sink.put(value);
        Ok(Kind::Bytes)
    }

    fn serialize_none(self) -> Result<Kind, Fault> {
        self.sink.kind(Kind::None);
        if !S::DESCRIBES {
            self.sink.put(&[0]);
        }
        Ok(Kind::Some)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Kind, Fault> {
        let mut shape = self.sink.begin(Kind::Some, self.of)?;
        if !S::DESCRIBES {
            self.sink.put(&[1]);
        }
        shape.add(inner(self.sink, value)? as u64);
        Ok(self.sink.end(Kind::Some, shape))
    }

    #[inline]
    fn serialize_unit(self) -> Result<Kind, Fault> {
        self.sink.kind(Kind::Unit);
        Ok(Kind::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Kind, Fault> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<Kind, Fault> {
        let shape = self.variant(name, index, variant)?;
        self.sink.kind(Kind::Unit);
        Ok(self.sink.end(Kind::Variant, shape))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Kind, Fault> {
        if self.sink.arms() {
            attachment::arm(name);
        }
        inner(self.sink, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Kind, Fault> {
        let mut shape = self.variant(name, index, variant)?;
        shape.add(inner(self.sink, value)? as u64);
        Ok(self.sink.end(Kind::Variant, shape))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Sequence::new(self, Kind::Sequence, length)
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
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a, S>, Fault> {
        self.fields_of_variant(Kind::Tuple, name, index, variant)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        Sequence::new(self, Kind::Map, length)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'a, S>, Fault> {
        self.fields(Kind::Struct, name)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a, S>, Fault> {
        self.fields_of_variant(Kind::Struct, name, index, variant)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.sink.is_readable()
    }
}
