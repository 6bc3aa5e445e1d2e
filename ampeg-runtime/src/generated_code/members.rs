//! Brackets and fields after a list of members, as in `shard[..].qr.r`: a list of this part of each member.
//!
//! Each member is available as this part, or as a whole.

use crate::generated_code::inputs::{Inputs, Maybe, Members};
use crate::generated_code::part::{AGREED, OptionalPart, Parts, Projection};
use std::fmt;
use std::marker::PhantomData;

/// The part that `J` is of one member, of several; the macro leaves the types to inference.
pub struct Each<J>(PhantomData<fn() -> J>);

impl<J> Clone for Each<J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J> Copy for Each<J> {}

impl<J> fmt::Debug for Each<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

impl<W, A, P: ?Sized, F> Projection<W, A, P, F> {
    /// The part of several members.
    pub fn list(self) -> Each<Self> {
        Each(PhantomData)
    }
}

impl<J> Each<J> {
    /// Several of these.
    pub fn list(self) -> Each<Self> {
        Each(PhantomData)
    }

    /// The same, under a condition.
    pub fn optional(self) -> OptionalPart<Self> {
        OptionalPart(self)
    }

    /// The members, of which part `part` is used.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> EachMember<'_, J> {
        EachMember {
            members: inputs.members(slot, false),
            part,
            types: PhantomData,
        }
    }
}

impl<J> OptionalPart<Each<J>> {
    /// The members, of which part `part` is used, if they are there.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Maybe<EachMember<'_, J>> {
        Maybe::when(inputs.is_present(slot), || EachMember {
            members: inputs.members(slot, true),
            part,
            types: PhantomData,
        })
    }
}

/// Lists of parts, and parts themselves.
pub trait Spread {
    /// The type of a member.
    type Whole: 'static;
    /// The type of its part.
    type Part: ?Sized + 'static;
    /// The part as the body's own, or a list of these.
    type Own;

    /// The next parts, each as `find` finds it in a member that is here as a whole.
    fn spread<'a>(
        members: &mut Members<'a>,
        part: usize,
        find: &mut dyn FnMut(&'a Self::Whole) -> &'a Self::Part,
    ) -> Self::Own;
}

impl<W, A: 'static, P: ToOwned + ?Sized + 'static, F> Spread for Projection<W, A, P, F> {
    type Whole = A;
    type Part = P;
    type Own = P::Owned;

    fn spread<'a>(
        members: &mut Members<'a>,
        part: usize,
        find: &mut dyn FnMut(&'a A) -> &'a P,
    ) -> P::Owned {
        let member = members.member();
        match member.downcast_ref::<Parts>() {
            Some(parts) => parts.get::<P>(part).to_owned(),
            None => find(member.downcast_ref().expect(AGREED)).to_owned(),
        }
    }
}

impl<J: Spread> Spread for Each<J> {
    type Whole = J::Whole;
    type Part = J::Part;
    type Own = Vec<J::Own>;

    fn spread<'a>(
        members: &mut Members<'a>,
        part: usize,
        find: &mut dyn FnMut(&'a J::Whole) -> &'a J::Part,
    ) -> Vec<J::Own> {
        let length = members.length();
        (0..length)
            .map(|_| J::spread(members, part, find))
            .collect()
    }
}

/// Several members, of which one part is used.
pub struct EachMember<'a, J> {
    members: Members<'a>,
    part: usize,
    types: PhantomData<fn() -> J>,
}

impl<J> fmt::Debug for EachMember<'_, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EachMember")
    }
}

/// The part of each member, as `find` finds it in one that is here as a whole.
pub fn each<'a, J, F>(members: &EachMember<'a, J>, mut find: F) -> Vec<J::Own>
where
    J: Spread,
    F: FnMut(&'a J::Whole) -> &'a J::Part,
{
    Each::<J>::spread(&mut members.members.clone(), members.part, &mut find)
}
