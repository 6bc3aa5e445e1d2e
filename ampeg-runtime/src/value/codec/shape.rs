//! The shape of a value: kinds, and names of fields and variants.
//!
//! The *shape* of a struct is a number that is computed from its name, the names of its fields, and the kinds of
//! their values. The shape of a list is computed from the kinds of its elements. Inner values have shapes of their
//! own. So a type has few shapes, however many values it has, and values with the same shapes are written and read in
//! the same way.
//!
//! Names are compared by address, so a shape is only valid in this process.

use smallvec::SmallVec;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// The kind of a value, as its `Serialize` implementation announces it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Kind { $($kind),* }

        impl Kind {
            pub(super) fn from_byte(byte: u8) -> Option<Self> {
                const ALL: &[Kind] = &[$(Kind::$kind),*];
                ALL.get(usize::from(byte)).copied()
            }
        }
    };
}

kinds! {
    Bool I8 I16 I32 I64 I128 U8 U16 U32 U64 U128 F32 F64 Char Text Bytes
    None Some Unit Sequence Tuple Map Struct Variant
}

impl Kind {
    /// Whether values of this kind count as a level of nesting. Every type that contains itself does so through one
    /// of these kinds.
    #[inline]
    pub(super) fn nests(self) -> bool {
        matches!(
            self,
            Self::Some | Self::Sequence | Self::Map | Self::Variant
        )
    }
}

/// A shape, or the known part of it.
///
/// It is a sum in which each part has another odd factor, so that the compiler can compute the constant parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    sum: u64,
    factor: u64,
}

impl Shape {
    /// The beginning of a shape, with a kind and the address of the type's name.
    #[inline]
    pub(super) fn new(kind: Kind, of: usize) -> Self {
        let mut shape = Self {
            sum: 0,
            factor: 0x517c_c1b7_2722_0a95,
        };
        shape.add(of as u64 ^ (kind as u64).rotate_left(48));
        shape
    }

    /// Adds the next part. The order of parts matters.
    #[inline]
    pub(super) fn add(&mut self, next: u64) {
        self.sum = self.sum.wrapping_add(next.wrapping_mul(self.factor));
        self.factor = self.factor.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    #[inline]
    pub(super) fn name(&mut self, name: &'static str) {
        self.add(name.as_ptr() as u64 ^ (name.len() as u64).rotate_left(48));
    }
}

/// The distinct shapes in a value.
#[derive(Debug)]
pub(super) struct Shapes {
    /// Recent shapes, by their highest bits. Most values repeat a few shapes.
    recent: [u64; 16],
    seen: SmallVec<[u64; 8]>,
    /// A hash of the set, independent of the order.
    sum: u64,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self {
            recent: [0; 16],
            seen: SmallVec::new(),
            sum: 0,
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, shape: Shape) {
        // The highest bits depend on all parts of the shape.
        let place = (shape.sum >> 60) as usize;
        if self.recent[place] != shape.sum {
            self.insert_slowly(shape.sum, place);
        }
    }

    #[inline(never)]
    fn insert_slowly(&mut self, shape: u64, place: usize) {
        self.recent[place] = shape;
        if !self.seen.contains(&shape) {
            self.seen.push(shape);
            // The shape is mixed again, so that the differences of two shapes do not cancel out in the sum.
            self.sum = self
                .sum
                .wrapping_add((shape ^ (shape >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
    }

    pub(super) fn all(&self, mut is_known: impl FnMut(u64) -> bool) -> bool {
        self.seen.iter().all(|&shape| is_known(shape))
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    pub(super) fn as_slice(&self) -> &[u64] {
        &self.seen
    }
}
