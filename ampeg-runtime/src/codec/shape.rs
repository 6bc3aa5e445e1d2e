//! What a serializer is told besides the values themselves: kinds, and names of fields and variants.
//!
//! The *shape* of a struct is a number that stands for its name, the names of its fields and the kinds of what is in
//! them; that of a list stands for the kinds of its elements. What is inside of these has shapes of its own. So a type
//! has few shapes, whatever its values, and values that have shapes in common are written and read in the same way.
//!
//! Names are told apart by their addresses, which hold for one process only, as do shapes.

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

/// A shape, or as much of it as is known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(u64);

impl Shape {
    /// That of something of this kind and of this type, by the address of the type's name.
    #[inline]
    pub(super) fn new(kind: Kind, of: usize) -> Self {
        let mut shape = Self(kind as u64);
        shape.add(of as u64);
        shape
    }

    /// Adds what comes next, in order.
    #[inline]
    pub(super) fn add(&mut self, next: u64) {
        // The hash of Firefox: two or three instructions, and constant ones if `next` is.
        self.0 = (self.0.rotate_left(5) ^ next).wrapping_mul(0x517c_c1b7_2722_0a95);
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
    recent: [u64; 32],
    seen: SmallVec<[u64; 8]>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self {
            recent: [0; 32],
            seen: SmallVec::new(),
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, shape: Shape) {
        // The multiplication has mixed the first bits best.
        let place = (shape.0 >> 59) as usize;
        if self.recent[place] != shape.0 {
            self.insert_slowly(shape.0, place);
        }
    }

    #[inline(never)]
    fn insert_slowly(&mut self, shape: u64, place: usize) {
        self.recent[place] = shape;
        if !self.seen.contains(&shape) {
            self.seen.push(shape);
        }
    }

    pub(super) fn as_slice(&self) -> &[u64] {
        &self.seen
    }
}
