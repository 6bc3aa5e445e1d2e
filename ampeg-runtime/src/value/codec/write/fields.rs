//! Tuples and structs.

use super::{inner, place};
use crate::value::codec::Fault;
use crate::value::codec::shape::{Kind, Shape};
use crate::value::codec::sink::Sink;
use serde::ser::{self, Serialize};

/// A tuple, a struct, or either of them in a variant.
#[derive(Debug)]
pub(in crate::value::codec) struct Fields<'a, S> {
    sink: &'a mut S,
    kind: Kind,
    shape: Shape,
    /// The positions of the count and of the list of names in a description, and the number of names before this
    /// value.
    at: usize,
    names_at: usize,
    from: usize,
    count: u64,
}

impl<'a, S: Sink> Fields<'a, S> {
    #[inline]
    pub(super) fn new(sink: &'a mut S, kind: Kind, shape: Shape, content: Kind) -> Self {
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
        self.shape.add(inner(&mut *self.sink, value)? as u64);
        Ok(())
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.sink.name(name);
        self.shape.name(name);
        self.element(value).map_err(|fault| fault.inside(name))
    }

    #[inline]
    fn finish(self) -> Kind {
        if S::DESCRIBES {
            self.sink.replace(self.at, self.count);
            if self.names_at > 0 {
                self.sink.seal(self.from, self.names_at);
            }
        }
        self.sink.end(self.kind, self.shape)
    }
}

macro_rules! elements {
    ($($kind:ident $method:ident)*) => {
        $(impl<S: Sink> ser::$kind for Fields<'_, S> {
            type Ok = Kind;
            type Error = Fault;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<Kind, Fault> {
                Ok(self.finish())
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
            type Ok = Kind;
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
            fn end(self) -> Result<Kind, Fault> {
                Ok(self.finish())
            }
        })*
    };
}

fields! {
    SerializeStruct
    SerializeStructVariant
}
