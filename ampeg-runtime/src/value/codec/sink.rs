//! The targets of a serializer: a counter, or memory of the counted size. `describe` has a third one.

use super::Fault;
use super::depth::Depth;
use super::shape::{Kind, Shape, Shapes};

/// Where encoded bytes go, and what else a serializer says of the value.
pub(super) trait Sink {
    /// Whether kinds and names are written too.
    const DESCRIBES: bool = false;

    fn put(&mut self, bytes: &[u8]);
    /// How many bytes came before.
    fn position(&self) -> usize;
    /// Puts a number in the place of eight bytes that were put before.
    fn replace(&mut self, at: usize, number: u64);

    /// A value without values in it begins.
    #[inline]
    fn kind(&mut self, _: Kind) {}
    /// A value with values in it begins, of a type with its name at this address.
    fn begin(&mut self, kind: Kind, of: usize) -> Result<Shape, Fault>;
    /// It ends, and this is its shape. Returns its kind.
    fn end(&mut self, kind: Kind, shape: Shape) -> Kind;

    /// Whether values are asked for as people read them, as JSON does, or as programs do.
    #[inline]
    fn is_readable(&self) -> bool {
        false
    }
    /// Whether newtype structs may announce attachments.
    #[inline]
    fn arms(&self) -> bool {
        true
    }
    /// How many names are collected for structs that are open.
    #[inline]
    fn n_names(&self) -> usize {
        0
    }
    /// The name of a field of the struct that is open, or of a variant.
    #[inline]
    fn name(&mut self, _: &'static str) {}
    /// Makes the names that were collected since there were `from` those of what is at this place.
    #[inline]
    fn seal(&mut self, _from: usize, _at: usize) {}
    /// How many shapes were seen.
    #[inline]
    fn n_shapes(&self) -> usize {
        0
    }
    /// Forgets what was written from `at` on, if it wants a sample only and has seen no shape since; whether it did.
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

    /// The size of the value that was written. Its own kind is one more shape, since a number alone has none.
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

/// Writes into memory of the size counted before; what is too much is counted only.
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
