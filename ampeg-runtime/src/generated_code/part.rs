//! Parts of results: encoded on the worker that has the result, and looked up on the worker that uses it.
//!
//! A body that needs only `a.rows[2..5]` uses either that part or all of `a`, whichever is available.

use crate::generated_code::inputs::{Inputs, Maybe, Type};
use crate::generated_code::task_value::TaskValue;
use crate::sys;
use crate::value::codec;
use crate::value::payload::Payload;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

/// Identifies a part of a task's result: its number in the static facts, and the values of the indices in its
/// brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PartKey {
    pub(crate) part: u32,
    pub(crate) indices: Vec<i64>,
}

/// How a part `P` is found in a result of type `A`. Rustc infers the types.
pub struct Projection<W, A, P: ?Sized, F>(PhantomData<Types<W, A, P, F>>);

type Types<W, A, P, F> = fn(W, A, *const P) -> F;

impl<W, A, P: ?Sized, F> Clone for Projection<W, A, P, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W, A, P: ?Sized, F> Copy for Projection<W, A, P, F> {}

impl<W, A, P: ?Sized, F> fmt::Debug for Projection<W, A, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Projection")
    }
}

/// The part that `find`, a function without captures, finds. `types` are the types of the values in its brackets.
pub fn projection<W, A, P, F>(_: Type<A>, _types: W, _find: F) -> Projection<W, A, P, F>
where
    W: Copy,
    P: ?Sized,
    F: for<'a> Fn(W, &'a A, &'a Inputs) -> &'a P + Copy,
{
    Projection(PhantomData)
}

impl<W, A: 'static, P: ?Sized + 'static, F> Projection<W, A, P, F> {
    /// A reference to the part, or to the whole result.
    ///
    /// # Panics
    ///
    /// If the slot has neither, which the macro rules out.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Piece<'_, A, P> {
        let value = inputs.any(slot);
        match value.downcast_ref::<Parts>() {
            Some(parts) => Piece::Part(parts.get(part)),
            None => Piece::Whole(value.downcast_ref().expect(AGREED)),
        }
    }

    /// The owned part, or the owned whole result.
    ///
    /// # Panics
    ///
    /// If the value is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, slot: usize, part: usize) -> OwnPiece<A, P> {
        match inputs.owned_any(slot).downcast::<Parts>() {
            Ok(parts) => OwnPiece::Part(parts.take(part)),
            Err(whole) => {
                let whole = whole.downcast().ok().and_then(Rc::into_inner);
                OwnPiece::Whole(whole.expect(AGREED))
            }
        }
    }

    /// This part, under a condition.
    pub fn optional(self) -> OptionalPart<Self> {
        OptionalPart(self)
    }
}

/// A part under a condition.
#[derive(Debug, Clone, Copy)]
pub struct OptionalPart<J>(pub(crate) J);

impl<W, A: 'static, P: ?Sized + 'static, F> OptionalPart<Projection<W, A, P, F>> {
    /// A reference to the part or to the whole result, if it is present.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Maybe<Piece<'_, A, P>> {
        Maybe::when(inputs.is_present(slot), || {
            self.0.borrow(inputs, slot, part)
        })
    }
}

/// A reference to a part, or to the whole result.
pub enum Piece<'a, A, P: ?Sized> {
    /// On the worker where the task ran, or if other uses need the whole result.
    Whole(&'a A),
    /// On other workers.
    Part(&'a P),
}

impl<A, P: ?Sized> Clone for Piece<'_, A, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, P: ?Sized> Copy for Piece<'_, A, P> {}

impl<A, P: ?Sized> fmt::Debug for Piece<'_, A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Piece")
    }
}

impl<'a, A, P: ?Sized> Piece<'a, A, P> {
    /// The part.
    #[inline]
    pub fn find(self, find: impl FnOnce(&'a A) -> &'a P) -> &'a P {
        match self {
            Self::Whole(whole) => find(whole),
            Self::Part(part) => part,
        }
    }
}

/// An owned part, or an owned whole result.
pub enum OwnPiece<A, P: ?Sized> {
    /// On the worker where the task ran, or if other uses need the whole result.
    Whole(A),
    /// On other workers.
    Part(Box<P>),
}

impl<A, P: ?Sized> fmt::Debug for OwnPiece<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnPiece")
    }
}

impl<A, P> OwnPiece<A, P> {
    /// The part.
    pub fn find(self, find: impl FnOnce(A) -> P) -> P {
        match self {
            Self::Whole(whole) => find(whole),
            Self::Part(part) => *part,
        }
    }
}

pub(crate) const AGREED: &str = "the macro and the plan agree on the parts that a task uses";

/// The parts of one input that a body uses, each a `Box<P>`.
#[derive(Debug)]
pub(crate) struct Parts(pub(crate) Vec<Rc<dyn Any>>);

impl Parts {
    pub(crate) fn get<P: ?Sized + 'static>(&self, part: usize) -> &P {
        self.0[part].downcast_ref::<Box<P>>().expect(AGREED)
    }

    fn take<P: ?Sized + 'static>(self: Rc<Self>, part: usize) -> Box<P> {
        let parts = Rc::into_inner(self).expect(AGREED).0;
        let part = parts.into_iter().nth(part).expect(AGREED);
        let part = part.downcast::<Box<P>>().ok().and_then(Rc::into_inner);
        part.expect(AGREED)
    }
}

/// Types that can be sent as a part.
pub trait Portion {
    /// Encodes the part.
    ///
    /// # Errors
    ///
    /// The error of the type's own `Serialize`.
    fn encode(&self) -> Result<Payload, String>;

    /// Decodes a part that `encode` encoded.
    ///
    /// # Errors
    ///
    /// If the bytes are not a part of this type.
    fn decode(payload: &Payload) -> Result<Box<Self>, String>;
}

impl<T: TaskValue> Portion for T {
    fn encode(&self) -> Result<Payload, String> {
        TaskValue::encode(self)
    }

    fn decode(payload: &Payload) -> Result<Box<Self>, String> {
        T::decode(payload).map(Box::new)
    }
}

impl<T: Serialize + Deserialize<'static> + 'static> Portion for [T] {
    fn encode(&self) -> Result<Payload, String> {
        codec::encode_slice(self)
    }

    fn decode(payload: &Payload) -> Result<Box<Self>, String> {
        codec::decode(payload).map(Vec::into_boxed_slice)
    }
}

impl Portion for str {
    fn encode(&self) -> Result<Payload, String> {
        Payload::copied(self.as_bytes())
    }

    fn decode(payload: &Payload) -> Result<Box<Self>, String> {
        codec::decode(payload).map(String::into_boxed_str)
    }
}

/// The functions that encode and decode a part, with all types erased.
#[derive(Clone, Copy)]
pub struct Carrier {
    encode: fn(&dyn Any, &Inputs) -> Result<Payload, String>,
    decode: fn(&Payload) -> Result<Rc<dyn Any>, String>,
}

impl Carrier {
    fn of<W, A, P, F>(_: Projection<W, A, P, F>) -> Self
    where
        W: Copy,
        A: 'static,
        P: Portion + ?Sized + 'static,
        F: for<'a> Fn(W, &'a A, &'a Inputs) -> &'a P + Copy,
    {
        Self {
            encode: |whole, inputs| {
                let whole: &A = whole.downcast_ref().ok_or("a value of another type")?;
                sys::conjure::<F>()(sys::conjure(), whole, inputs).encode()
            },
            decode: |payload| Ok(Rc::new(P::decode(payload)?)),
        }
    }

    /// The bytes of the part of `whole`. `inputs` has the values in the brackets. Unwinds if there is no such part.
    pub(crate) fn encode(self, whole: &dyn Any, inputs: &Inputs) -> Result<Payload, String> {
        (self.encode)(whole, inputs)
    }

    pub(crate) fn decode(self, payload: &Payload) -> Result<Rc<dyn Any>, String> {
        (self.decode)(payload)
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}

/// Whether a part is sent by itself, chosen by method probing on its type, as for captures.
///
/// A part of a `Shared` is not sent by itself, because sending the whole costs no more. Neither is a part that cannot
/// be serialized.
pub mod carry {
    use super::{Carrier, Inputs, Portion, Projection};
    use crate::value::shared::{Shared, SharedContents};

    /// Parts of types that are sent as a descriptor.
    pub trait CarryShared {
        /// None: the whole is sent.
        fn carry(&self) -> Option<Carrier>;
    }

    impl<W, C: SharedContents + ?Sized, P: ?Sized, F> CarryShared for &&Projection<W, Shared<C>, P, F> {
        fn carry(&self) -> Option<Carrier> {
            None
        }
    }

    /// Parts that can be serialized.
    pub trait CarryPart {
        /// The functions that encode and decode the part.
        fn carry(&self) -> Option<Carrier>;
    }

    impl<W, A, P, F> CarryPart for &Projection<W, A, P, F>
    where
        W: Copy,
        A: 'static,
        P: Portion + ?Sized + 'static,
        F: for<'a> Fn(W, &'a A, &'a Inputs) -> &'a P + Copy,
    {
        fn carry(&self) -> Option<Carrier> {
            Some(Carrier::of(**self))
        }
    }

    /// All other parts.
    pub trait CarryWhole {
        /// None: the whole is sent.
        fn carry(&self) -> Option<Carrier>;
    }

    impl<W, A, P: ?Sized, F> CarryWhole for Projection<W, A, P, F> {
        fn carry(&self) -> Option<Carrier> {
            None
        }
    }
}
