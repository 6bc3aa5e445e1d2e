//! Indices of families: any integer type in the program, and `i64` inside.

use crate::generated_code::inputs::Inputs;
use std::fmt;
use std::marker::PhantomData;

/// What can select a member of a family: integers, and references to them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no index of a family",
    label = "expected an integer",
    note = "an index in brackets is an integer, or a range written as such: `part[a..b]`",
    note = "to index the values of a whole family, give it a name first: `let all = &part; all[k]`"
)]
pub trait IntoIndex: Copy + fmt::Display {
    /// The index; none if it does not fit.
    fn into_index(self) -> Option<i64>;

    /// The index, or how it is written if it does not fit.
    ///
    /// # Errors
    ///
    /// If it does not fit 64 bits.
    fn to_number(self) -> Result<i64, String> {
        self.into_index().ok_or_else(|| self.to_string())
    }
}

#[diagnostic::do_not_recommend]
impl<N: IntoIndex> IntoIndex for &N {
    fn into_index(self) -> Option<i64> {
        (*self).into_index()
    }
}

/// What gives the values of an index: ranges of integers, and whatever else gives integers of one type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no range of integers",
    label = "expected a range of integers, as in `i in 0..n`"
)]
pub trait IndexRange {
    /// The type of the index.
    type Index: IndexNumber;

    /// Its values.
    fn values(self) -> impl Iterator<Item = Self::Index>;
}

#[diagnostic::do_not_recommend]
impl<R> IndexRange for R
where
    R: IntoIterator,
    R::Item: IndexNumber,
{
    type Index = R::Item;

    fn values(self) -> impl Iterator<Item = R::Item> {
        self.into_iter()
    }
}

/// What a family can be indexed by: integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot index a family",
    label = "expected a range of integers"
)]
pub trait IndexNumber: IntoIndex + 'static {
    /// The number again that became this index.
    fn from_index(index: i64) -> Option<Self>;
}

macro_rules! index_numbers {
    ($($number:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl IntoIndex for $number {
            fn into_index(self) -> Option<i64> {
                self.try_into().ok()
            }
        }

        #[diagnostic::do_not_recommend]
        impl IndexNumber for $number {
            fn from_index(index: i64) -> Option<Self> {
                index.try_into().ok()
            }
        }
    )*};
}

index_numbers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

/// The type of one index of a statement; the macro leaves it to inference.
pub struct IndexType<I>(PhantomData<fn() -> I>);

impl<I> Clone for IndexType<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for IndexType<I> {}

impl<I> Default for IndexType<I> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<I> fmt::Debug for IndexType<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexType")
    }
}

impl<I> IndexType<I> {
    /// A type that is not known yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<I> IndexType<I> {
    /// The value of one index of the task that these are the inputs of.
    ///
    /// # Panics
    ///
    /// If the task has no such index, which the macro rules out.
    pub fn get(self, inputs: &Inputs, index: usize) -> I
    where
        I: IndexNumber,
    {
        I::from_index(inputs.index(index)).expect("an index was made of a number of this type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated_code::inputs::Values;
    use smallvec::smallvec;

    fn round_trip<I: IndexNumber + PartialEq + fmt::Debug>(number: I) {
        let index = (&number).into_index().unwrap();
        assert_eq!(I::from_index(index), Some(number));
        let inputs = Inputs::new(smallvec![7, index], Values::new());
        assert_eq!(IndexType::<I>::new().get(&inputs, 1), number);
    }

    #[test]
    fn integers_of_all_types_are_indices() {
        round_trip(-128_i8);
        round_trip(usize::MAX / 2);
        round_trip(i64::MIN);
        round_trip(u128::from(u64::MAX / 2));
    }

    #[test]
    fn numbers_beyond_64_bits_are_none() {
        assert_eq!(u64::MAX.into_index(), None);
        assert_eq!(i128::MIN.into_index(), None);
        assert_eq!(u8::from_index(-1), None);
    }
}
