//! The targets of a serializer: a counter, or memory of the counted size. `describe` has a third one.

use super::Fault;
use super::depth::Depth;
use super::shape::{Kind, Shape, Shapes};

/// Receives the encoded bytes of a value, and the kinds, names and shapes in the value.
pub(super) trait Sink {
    /// Whether kinds and names are written, too.
    const DESCRIBES: bool = false;

    fn put(&mut self, bytes: &[u8]);
    /// The number of bytes that were put before.
    fn position(&self) -> usize;
    /// Overwrites eight bytes that were put before with a number.
    fn replace(&mut self, at: usize, number: u64);

    /// A value without inner values begins.
    #[inline]
    fn kind(&mut self, _: Kind) {}
    /// A value with inner values begins. `of` is the address of its type's name.
    fn begin(&mut self, kind: Kind, of: usize) -> Result<Shape, Fault>;
    /// The value ends, and this is its shape. Returns its kind.
    fn end(&mut self, kind: Kind, shape: Shape) -> Kind;

    /// Whether the format claims to be human-readable, as JSON does.
    #[inline]
    fn is_readable(&self) -> bool {
        false
    }
    /// Whether newtype structs may have attachments.
    #[inline]
    fn arms(&self) -> bool {
        true
    }
    /// The number of names collected for all open structs.
    #[inline]
    fn n_names(&self) -> usize {
        0
    }
    /// Collects the name of a field of the innermost open struct, or of a variant.
    #[inline]
    fn name(&mut self, _: &'static str) {}
    /// Makes a list of the names that were collected from number `from` on, and writes the list's number at `at`.
    #[inline]
    fn seal(&mut self, _from: usize, _at: usize) {}
    /// The number of distinct shapes so far.
    #[inline]
    fn n_shapes(&self) -> usize {
        0
    }
    /// If this sink writes samples, and the number of shapes is still `n_shapes`, removes all bytes from `at` on.
    /// Returns whether it removed them.
    #[inline]
    fn forgets(&mut self, _at: usize, _n_shapes: usize) -> bool {
        false
    }
}

/// Counts bytes, and collects shapes.
#[derive(Debug)]
pub(super) struct Counter {
    size: usize,
    depth: Depth,
    pub(super) shapes: Shapes,
}

impl Counter {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            size: 0,
            depth: Depth::default(),
            shapes: Shapes::new(),
        }
    }

    /// The size of the value that was written. The kind of the value becomes a shape, too, because a number has no
    /// other shape.
    #[inline]
    pub(super) fn finish(&mut self, kind: Kind) -> usize {
        self.shapes.insert(Shape::new(kind, 0));
        self.size
    }
}

impl Sink for Counter {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
    }

    #[inline]
    fn position(&self) -> usize {
        self.size
    }

    #[inline]
    fn replace(&mut self, _: usize, _: u64) {}

    #[inline]
    fn begin(&mut self, kind: Kind, of: usize) -> Result<Shape, Fault> {
        self.depth.begin(kind)?;
        Ok(Shape::new(kind, of))
    }

    #[inline]
    fn end(&mut self, kind: Kind, shape: Shape) -> Kind {
        self.depth.end(kind);
        self.shapes.insert(shape);
        kind
    }
}

/// Writes into memory of the counted size. Bytes beyond it are only counted, so that the caller notices the
/// difference.
#[derive(Debug)]
pub(super) struct Filler<'a> {
    memory: &'a mut [u8],
    position: usize,
    depth: Depth,
}

impl<'a> Filler<'a> {
    pub(super) fn new(memory: &'a mut [u8]) -> Self {
        Self {
            memory,
            position: 0,
            depth: Depth::default(),
        }
    }
}

impl Sink for Filler<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.position + bytes.len();
        if let Some(place) = self.memory.get_mut(self.position..end) {
            place.copy_from_slice(bytes);
        }
        self.position = end;
    }

    #[inline]
    fn position(&self) -> usize {
        self.position
    }

    fn replace(&mut self, at: usize, number: u64) {
        if let Some(place) = self.memory.get_mut(at..at + 8) {
            place.copy_from_slice(&number.to_le_bytes());
        }
    }

    #[inline]
    fn begin(&mut self, kind: Kind, _: usize) -> Result<Shape, Fault> {
        self.depth.begin(kind)?;
        Ok(Shape::new(kind, 0))
    }

    #[inline]
    fn end(&mut self, kind: Kind, _: Shape) -> Kind {
        self.depth.end(kind);
        kind
    }
}
