//! Brackets and fields after a list of members: `shard[..].qr.r` is a list with the part `qr.r` of each member.
//!
//! Each member is present either as this part or as the whole result.

use crate::generated_code::inputs::{Inputs, Maybe, Members};
use crate::generated_code::part::{AGREED, OptionalPart, Parts, Projection};
use std::fmt;
use std::marker::PhantomData;

/// The part `J` of each member of a list. Rustc infers the types.
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
    /// This part of several members.
    pub fn list(self) -> Each<Self> {
        Each(PhantomData)
    }
}

impl<J> Each<J> {
    /// This part of the members of several lists.
    pub fn list(self) -> Each<Self> {
        Each(PhantomData)
    }

    /// This part, under a condition.
    pub fn optional(self) -> OptionalPart<Self> {
        OptionalPart(self)
    }

    /// The members, of which the body uses part number `part`.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> EachMember<'_, J> {
        EachMember {
            members: inputs.members(slot, false),
            part,
            types: PhantomData,
        }
    }
}

impl<J> OptionalPart<Each<J>> {
    /// The members, of which the body uses part number `part`, if they are present.
    pub fn borrow(self, inputs: &Inputs, slot: usize, part: usize) -> Maybe<EachMember<'_, J>> {
        Maybe::when(inputs.is_present(slot), || EachMember {
            members: inputs.members(slot, true),
            part,
            types: PhantomData,
        })
    }
}

/// Parts, and lists of parts.
pub trait Spread {
    /// The type of a member.
    type Whole: 'static;
    /// The type of the part.
    type Part: ?Sized + 'static;
    /// The owned form of the part, or a list of these.
    type Own;

    /// The next parts. In a member that is present as a whole, `find` finds the part.
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

/// Several members, of which the body uses one part.
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

/// The part of each member. In a member that is present as a whole, `find` finds the part.
pub fn each<'a, J, F>(members: &EachMember<'a, J>, mut find: F) -> Vec<J::Own>
where
    J: Spread,
    F: FnMut(&'a J::Whole) -> &'a J::Part,
{
    Each::<J>::spread(&mut members.members.clone(), members.part, &mut find)
}
