//! From a value to bytes: one serializer for all sinks.

use super::shape::{Kind, Shape};
use super::sink::Sink;
use super::{Fault, attachment};
use serde::ser::{self, Serialize};
use std::any::type_name;

/// So many elements of a list show how the others look.
const SAMPLE: usize = 32;

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
    fn sequence(self, kind: Kind, length: Option<usize>) -> Result<Sequence<'a, S>, Fault> {
        let shape = self.0.begin(kind)?;
        let at = self.0.position();
        put_length(self.0, length.unwrap_or(0));
        Ok(Sequence {
            sink: self.0,
            kind,
            shape,
            kinds: [0; 2],
            at,
            expected: length,
            count: 0,
            before: (0, 0, 0),
        })
    }

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
        self.sequence(Kind::Sequence, length)
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
        self.sequence(Kind::Map, length)
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

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// A sequence or map, whose length may be known at its end only.
#[derive(Debug)]
pub(super) struct Sequence<'a, S> {
    sink: &'a mut S,
    kind: Kind,
    shape: Shape,
    /// The kinds of its elements or values, and of its keys, one bit each.
    kinds: [u64; 2],
    at: usize,
    expected: Option<usize>,
    count: usize,
    /// The position, number of shapes and kinds before this element.
    before: (usize, usize, u64),
}

impl<S: Sink> Sequence<'_, S> {
    #[inline]
    fn begin(&mut self) {
        self.count += 1;
        if S::DESCRIBES {
            let [values, keys] = self.kinds;
            self.before = (
                self.sink.position(),
                self.sink.n_shapes(),
                values ^ keys.rotate_left(32),
            );
        }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, which: usize, value: &T) -> Result<(), Fault> {
        self.kinds[which] |= 1 << inner(&mut *self.sink, value)?;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        if S::DESCRIBES && self.count > SAMPLE {
            let (at, n_shapes, kinds) = self.before;
            let [values, keys] = self.kinds;
            if kinds == values ^ keys.rotate_left(32) && self.sink.forgets(at, n_shapes) {
                self.count -= 1;
            }
        }
    }

    fn finish(mut self) {
        if self.expected != Some(self.count) {
            self.sink.replace(self.at, self.count as u64);
        }
        self.shape.add(self.kinds[0]);
        self.shape.add(self.kinds[1]);
        self.sink.end(self.kind, self.shape);
    }
}

impl<S: Sink> ser::SerializeSeq for Sequence<'_, S> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.begin();
        self.item(0, value)?;
        self.close();
        Ok(())
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
        self.begin();
        self.item(1, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(0, value)?;
        self.close();
        Ok(())
    }

    fn end(self) -> Result<(), Fault> {
        self.finish();
        Ok(())
    }
}

/// A tuple, a struct, or either of them in a variant.
#[derive(Debug)]
pub(super) struct Fields<'a, S> {
    sink: &'a mut S,
    kind: Kind,
    shape: Shape,
    /// Where a description has the count and the list of names, and how many names came before.
    at: usize,
    names_at: usize,
    from: usize,
    count: u64,
}

impl<'a, S: Sink> Fields<'a, S> {
    #[inline]
    fn new(sink: &'a mut S, kind: Kind, shape: Shape, content: Kind) -> Self {
        let (mut at, mut names_at) = (0, 0);
        if S::DESCRIBES {
            at = place(sink);
            if content == Kind::Struct {
                names_at = place(sink);
            }
        }
        let from = sink.n_names();
        Self {
            sink,
            kind,
            shape,
            at,
            names_at,
            from,
            count: 0,
        }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.count += 1;
        self.shape.add(inner(&mut *self.sink, value)?);
        Ok(())
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.sink.name(name);
        self.shape.name(name);
        self.element(value)
    }

    #[inline]
    fn finish(self) {
        if S::DESCRIBES {
            self.sink.replace(self.at, self.count);
            if self.names_at > 0 {
                self.sink.seal(self.from, self.names_at);
            }
        }
        self.sink.end(self.kind, self.shape);
    }
}

macro_rules! elements {
    ($($kind:ident $method:ident)*) => {
        $(impl<S: Sink> ser::$kind for Fields<'_, S> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.finish();
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($kind:ident)*) => {
        $(impl<S: Sink> ser::$kind for Fields<'_, S> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.field(name, value)
            }

            #[inline]
            fn end(self) -> Result<(), Fault> {
                self.finish();
                Ok(())
            }
        })*
    };
}

fields! {
    SerializeStruct
    SerializeStructVariant
}
