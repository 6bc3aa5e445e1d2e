//! Indices of families: any integer type in the program, stored as `i64`.

use crate::generated_code::inputs::Inputs;
use std::fmt;
use std::marker::PhantomData;

/// Types that can select a member of a family: integers, and references to them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index of a family",
    label = "expected an integer",
    note = "an index in brackets is an integer, or a range written as such: `part[a..b]`",
    note = "to index the values of a whole family, give it a name first: `let all = &part; all[k]`"
)]
pub trait IntoIndex: Copy + fmt::Display {
    /// The index; none if the number does not fit in 64 bits.
    fn into_index(self) -> Option<i64>;

    /// The index, or the number as text if it does not fit.
    ///
    /// # Errors
    ///
    /// If the number does not fit in 64 bits.
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

/// Types that give the values of an index: ranges, and all other iterators over integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of integers",
    label = "expected a range of integers, as in `i in 0..n`"
)]
pub trait IndexRange {
    /// The type of the index.
    type Index: IndexNumber;

    /// The values of the index.
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

/// The types of indices: integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot index a family",
    label = "expected a range of integers"
)]
pub trait IndexNumber: IntoIndex + 'static {
    /// The number with this index, if the type has it.
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

/// The type of one index of a statement, which rustc infers.
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
    /// A type that is not inferred yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<I> IndexType<I> {
    /// The value of one index of the task with these inputs.
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
