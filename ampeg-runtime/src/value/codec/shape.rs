//! The shape of a value: kinds, and names of fields and variants.
//!
//! The *shape* of a struct is a number that stands for its name, the names of its fields and the kinds of what is in
//! them; that of a list stands for the kinds of its elements. What is inside of these has shapes of its own. So a type
//! has few shapes, whatever its values, and values that have shapes in common are written and read in the same way.
//!
//! Names are compared by address, which hold for one process only, as do shapes.

use smallvec::SmallVec;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// Of which kind a value is, as its `Serialize` says.
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
    /// Whether values of a type that contains itself end or go on here, which is where nesting is counted.
    #[inline]
    pub(super) fn nests(self) -> bool {
        matches!(
            self,
            Self::Some | Self::Sequence | Self::Map | Self::Variant
        )
    }
}

/// A shape, or as much of it as is known yet.
///
/// It is the sum of its parts, each times another odd number: all that is constant is left to the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    sum: u64,
    factor: u64,
}

impl Shape {
    /// That of something of this kind and of this type, by the address of the type's name.
    #[inline]
    pub(super) fn new(kind: Kind, of: usize) -> Self {
        let mut shape = Self {
            sum: 0,
            factor: 0x517c_c1b7_2722_0a95,
        };
        shape.add(of as u64 ^ (kind as u64).rotate_left(48));
        shape
    }

    /// Adds what comes next, in order.
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

/// The shapes that a value has, each once.
#[derive(Debug)]
pub(super) struct Shapes {
    /// Some that were seen, by their first bits: most values repeat a few.
    recent: [u64; 16],
    seen: SmallVec<[u64; 8]>,
    /// Stands for all of them, in whatever order they came.
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
        // The first bits are mixed best.
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
            // Mixed once more, so that shapes that differ in two parts do not make up for each other.
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
