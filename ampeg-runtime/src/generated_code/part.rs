//! Parts of results: encoded where the result is, and looked up where they are used.
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

/// Which part of a task's result: by the static facts of the graph, and the values of the indices in its brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PartKey {
    pub(crate) part: u32,
    pub(crate) indices: Vec<i64>,
}

/// How a part `P` is taken out of a result of type `A`; the macro leaves the types to inference.
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

/// A part as this function, without captures, finds it; `types` are those of what is in its brackets.
pub fn projection<W, A, P, F>(_: Type<A>, _types: W, _find: F) -> Projection<W, A, P, F>
where
    W: Copy,
    P: ?Sized,
    F: for<'a> Fn(W, &'a A, &'a Inputs) -> &'a P + Copy,
{
    Projection(PhantomData)
}

impl<W, A: 'static, P: ?Sized + 'static, F> Projection<W, A, P, F> {
    /// The part in place, or the whole that it is in.
    ///
    /// # Panics
    ///
    /// If neither was given, which the macro rules out.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Piece<'_, A, P> {
        let value = inputs.any(slot);
        match value.downcast_ref::<Parts>() {
            Some(parts) => Piece::Part(parts.get(part)),
            None => Piece::Whole(value.downcast_ref().expect(AGREED)),
        }
    }

    /// The part as the body's own, or the whole that it is in.
    ///
    /// # Panics
    ///
    /// If it is borrowed elsewhere, which the macro rules out.
    pub fn take(self, inputs: &Inputs, slot: usize, part: usize) -> OwnPiece<A, P> {
        match inputs.owned_any(slot).downcast::<Parts>() {
            Ok(parts) => OwnPiece::Part(parts.take(part)),
            Err(whole) => {
                let whole = whole.downcast().ok().and_then(Rc::into_inner);
                OwnPiece::Whole(whole.expect(AGREED))
            }
        }
    }

    /// The same, under a condition.
    pub fn optional(self) -> OptionalPart<Self> {
        OptionalPart(self)
    }
}

/// A part under a condition.
#[derive(Debug, Clone, Copy)]
pub struct OptionalPart<J>(pub(crate) J);

impl<W, A: 'static, P: ?Sized + 'static, F> OptionalPart<Projection<W, A, P, F>> {
    /// The part in place, or the whole that it is in, if it is there.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Maybe<Piece<'_, A, P>> {
        Maybe::when(inputs.is_present(slot), || {
            self.0.borrow(inputs, slot, part)
        })
    }
}

/// A part in place, or the whole that it is in.
pub enum Piece<'a, A, P: ?Sized> {
    /// Where the task ran.
    Whole(&'a A),
    /// Elsewhere.
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

/// A part as the body's own, or the whole that it is in.
pub enum OwnPiece<A, P: ?Sized> {
    /// Where the task ran.
    Whole(A),
    /// Elsewhere.
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

/// What may travel as a part.
pub trait Portion {
    /// Writes it as bytes.
    ///
    /// # Errors
    ///
    /// What the type's own `Serialize` reports.
    fn encode(&self) -> Result<Payload, String>;

    /// Reads it from bytes that `encode` wrote.
    ///
    /// # Errors
    ///
    /// If the bytes are nothing of the kind.
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

/// How a part becomes bytes where the whole is, and a value again where it is used, with all types erased.
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

    /// The bytes of the part of `whole`, with what is in its brackets; unwinds if there is no such part.
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

/// Whether a part travels by itself, chosen by method probing on its type, as it is for captures.
///
/// A part of a `Shared` does not: all of it travels at no cost. What cannot be serialized by itself does not.
pub mod carry {
    use super::{Carrier, Inputs, Portion, Projection};
    use crate::value::shared::{Shared, SharedContents};

    /// Parts of what travels as a descriptor.
    pub trait CarryShared {
        /// Nothing.
        fn carry(&self) -> Option<Carrier>;
    }

    impl<W, C: SharedContents + ?Sized, P: ?Sized, F> CarryShared for &&Projection<W, Shared<C>, P, F> {
        fn carry(&self) -> Option<Carrier> {
            None
        }
    }

    /// Parts that can be serialized.
    pub trait CarryPart {
        /// How it travels.
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

    /// All others.
    pub trait CarryWhole {
        /// Nothing.
        fn carry(&self) -> Option<Carrier>;
    }

    impl<W, A, P: ?Sized, F> CarryWhole for Projection<W, A, P, F> {
        fn carry(&self) -> Option<Carrier> {
            None
        }
    }
}
