//! Values that can be sent between processes, and their encoding.

use crate::base::failure::Failure;
use crate::generated_code::inputs::{Inputs, Type};
use crate::generated_code::task::Call;
use crate::value::codec;
use crate::value::payload::Payload;
use serde::{Deserialize, Serialize};
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::rc::Rc;

/// A result that can be sent from one process to another.
///
/// Every type that implements serde's `Serialize` and `Deserialize` and owns its data implements this trait.
/// The type may contain `&'static str`. A process keeps each distinct text of this kind that it receives, for as
/// long as the process lives.
#[diagnostic::on_unimplemented(
    message = "the result of this task cannot be sent between processes",
    label = "`{Self}` cannot be serialized, or borrows something",
    note = "a result must own its data: return a copy of borrowed data (`.to_owned()`, `.to_vec()`, `.clone()`)",
    note = "put `#[derive(serde::Serialize, serde::Deserialize)]` on the type and on all types in it",
    note = "if it comes from another crate, look for that crate's `serde` feature"
)]
pub trait TaskValue: Sized + 'static {
    /// Encodes the value, in shared memory if it is large.
    ///
    /// # Errors
    ///
    /// Returns the error of the type's own `Serialize`.
    fn encode(&self) -> Result<Payload, String>;

    /// Decodes a value that `encode` encoded.
    ///
    /// # Errors
    ///
    /// If the bytes are not a value of this type, or the type's own `Deserialize` returns an error.
    fn decode(payload: &Payload) -> Result<Self, String>;

    /// Calls [`Call::task`](crate::generated_code::task::Call::task), which adds a task to the table.
    ///
    /// This is a method of this trait because rustc would show the definition of any other function with this bound.
    /// Rustc shows the comment on the first line if the body is not a `fn`.
    #[doc(hidden)]
    #[rustfmt::skip]
    fn task<W: Copy>( // a closure in a variable cannot be called by its name in a body: call it as `(f)(x)`, or make it a `fn`
        call: &mut Call<'_>,
        statement: u32,
        types: W,
        body: fn(W, &Inputs) -> Result<Self, Failure>,
    ) -> Type<Self> {
        call.task(statement, types, body)
    }

    /// Adds the members of a family whose type was declared before.
    #[doc(hidden)]
    #[rustfmt::skip]
    fn member<W: Copy>( // a closure in a variable cannot be called by its name in a body: call it as `(f)(x)`, or make it a `fn`
        call: &mut Call<'_>,
        statement: u32,
        _: Type<Self>,
        types: W,
        body: fn(W, &Inputs) -> Result<Self, Failure>,
    ) {
        call.task(statement, types, body);
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + Deserialize<'static> + 'static> TaskValue for T {
    fn encode(&self) -> Result<Payload, String> {
        codec::encode(self)
    }

    fn decode(payload: &Payload) -> Result<Self, String> {
        codec::decode(payload)
    }
}

/// [`TaskValue`] of one type, with the type erased.
#[derive(Clone, Copy)]
pub struct Codec {
    encode: Encode,
    decode: Decode,
    /// Decodes into an `Option` of the value's type.
    decode_into: DecodeInto,
    /// The id of the value's type; none if equal bytes may be different values.
    identity: Option<TypeId>,
    type_name: &'static str,
}

type Encode = fn(&dyn Any) -> Result<Payload, String>;
type Decode = fn(&Payload) -> Result<Rc<dyn Any>, String>;
type DecodeInto = fn(&Payload, &mut dyn Any) -> Result<(), String>;

impl Codec {
    pub(crate) fn of<T: TaskValue>() -> Self {
        Self {
            encode: |value| {
                let value: &T = value.downcast_ref().ok_or("a value of another type")?;
                value.encode()
            },
            decode: |payload| Ok(Rc::new(T::decode(payload)?)),
            decode_into: |payload, place| {
                let place = place.downcast_mut().ok_or("a value of another type")?;
                *place = Some(T::decode(payload)?);
                Ok(())
            },
            identity: Some(TypeId::of::<T>()),
            type_name: type_name::<T>(),
        }
    }

    /// A codec for captures, which other code encodes.
    pub(crate) fn decoding(identity: Option<TypeId>, decode: Decode) -> Self {
        Self {
            encode: |_| Err("a capture is encoded where the graph stands".into()),
            decode,
            decode_into: |_, _| Err("a capture is decoded where it is used".into()),
            identity,
            type_name: "a captured value",
        }
    }

    /// The id of the value's type; none if equal bytes may be different values.
    pub(crate) fn identity(self) -> Option<TypeId> {
        self.identity
    }

    /// The name of the value's type, for messages.
    pub(crate) fn type_name(self) -> &'static str {
        self.type_name
    }

    /// A copy of a value, made by encoding and decoding it.
    pub(crate) fn copy(self, value: &dyn Any) -> Result<Rc<dyn Any>, String> {
        self.decode(&self.encode(value)?)
    }

    pub(crate) fn encode(self, value: &dyn Any) -> Result<Payload, String> {
        (self.encode)(value)
    }

    pub(crate) fn decode(self, payload: &Payload) -> Result<Rc<dyn Any>, String> {
        (self.decode)(payload)
    }

    /// Decodes a value that will not be shared.
    pub(crate) fn decode_as<T: 'static>(self, payload: &Payload) -> Result<T, String> {
        let mut place: Option<T> = None;
        (self.decode_into)(payload, &mut place)?;
        place.ok_or_else(|| "a value of another type".to_owned())
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn value_survives_the_codec() {
        let codec = Codec::of::<Vec<(u8, String)>>();
        let value = vec![(1_u8, "one".to_owned()), (2, "two".to_owned())];
        let bytes = codec.encode(&value).unwrap();
        let back = codec.decode(&bytes).unwrap();
        assert_eq!(back.downcast_ref(), Some(&value));
    }

    #[test]
    fn value_of_another_type_is_an_error() {
        assert!(Codec::of::<u8>().encode(&"text").is_err());
        let bytes = 7_u8.encode().unwrap();
        assert_eq!(Codec::of::<u8>().decode_as::<u8>(&bytes), Ok(7));
        assert!(Codec::of::<u8>().decode_as::<i8>(&bytes).is_err());
    }

    #[derive(Serialize, Deserialize)]
    struct Unit;

    #[test]
    fn unit_is_a_value() {
        assert_eq!(Unit.encode().unwrap().len(), 0);
        assert!(Unit::decode(&Payload::Inline(smallvec::SmallVec::new())).is_ok());
    }
}
