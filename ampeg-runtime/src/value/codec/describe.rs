//! Writes the self-describing form: the kind of each value, and the names of each struct and variant.
//!
//! | kind | bytes after the kind |
//! | --- | --- |
//! | a number, text, bytes | as in the compact form |
//! | none, unit | none |
//! | some | the value |
//! | sequence, tuple | the number of values in 8 bytes, the values |
//! | map | the number of entries in 8 bytes, keys and values in turn |
//! | struct | the number of values in 8 bytes, the number of its list of names in 8 bytes, the values |
//! | variant | its number in 4 bytes, the number of a list with its name in 8 bytes, the content |
//!
//! The lists of names follow at the end, each once.

use super::depth::Depth;
use super::shape::{Kind, Shape, Shapes};
use super::sink::{Counter, Filler, Sink};
use super::write::Writer;
use super::{Fault, read};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Writes a description.
#[derive(Debug)]
pub(super) struct Describer {
    bytes: Vec<u8>,
    depth: Depth,
    shapes: Shapes,
    names: Vec<&'static str>,
    lists: HashMap<Vec<&'static str>, u64>,
    manner: Manner,
    samples: bool,
}

/// How a description is written. It must be read in the same manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Whether `Shared` attaches its memory.
    pub(super) arms: bool,
    /// Whether types see a human-readable format, as in JSON. Serde reads the content of a type with `flatten`, `tag`
    /// or `untagged` from a buffer that always claims to be human-readable, so the content must be written in the
    /// same way.
    pub(super) readable: bool,
}

impl Manner {
    fn to_byte(self) -> u8 {
        u8::from(self.arms) | u8::from(self.readable) << 1
    }

    fn from_byte(byte: u8) -> Self {
        Self {
            arms: byte & 1 != 0,
            readable: byte & 2 != 0,
        }
    }
}

impl Describer {
    /// If `samples` is true, long lists are cut.
    pub(super) fn new(manner: Manner, samples: bool) -> Self {
        Self {
            bytes: Vec::new(),
            depth: Depth::default(),
            shapes: Shapes::new(),
            names: Vec::new(),
            lists: HashMap::new(),
            manner,
            samples,
        }
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Fault> {
        let at = self.bytes.len();
        let mut lists: Vec<_> = self.lists.drain().collect();
        lists.sort_unstable_by_key(|&(_, index)| index);
        let lists: Vec<_> = lists.into_iter().map(|(names, _)| names).collect();
        let mut counter = Counter::new();
        lists.serialize(Writer::new(&mut counter, ""))?;
        self.bytes.resize(at + counter.position(), 0);
        lists.serialize(Writer::new(&mut Filler::new(&mut self.bytes[at..]), ""))?;
        self.put(&[self.manner.to_byte()]);
        self.put(&(at as u64).to_le_bytes());
        Ok(self.bytes)
    }
}

/// The parts of a description.
#[derive(Debug)]
pub(super) struct Parts<'b> {
    pub(super) values: &'b [u8],
    pub(super) lists: Vec<Vec<String>>,
    pub(super) manner: Manner,
}

/// Splits a description into its parts.
pub(super) fn parts(bytes: &[u8]) -> Result<Parts<'_>, Fault> {
    let (rest, at) = bytes.split_last_chunk().ok_or_else(read::cut)?;
    let (&manner, rest) = rest.split_last().ok_or_else(read::cut)?;
    let at = usize::try_from(u64::from_le_bytes(*at)).map_err(|_| read::cut())?;
    let (values, lists) = rest.split_at_checked(at).ok_or_else(read::cut)?;
    let mut reader = read::Reader::new(lists, false);
    let lists = Vec::deserialize(&mut reader)?;
    Ok(Parts {
        values,
        lists,
        manner: Manner::from_byte(manner),
    })
}

impl Sink for Describer {
    const DESCRIBES: bool = true;

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn position(&self) -> usize {
        self.bytes.len()
    }

    fn replace(&mut self, at: usize, number: u64) {
        self.bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }

    #[inline]
    fn kind(&mut self, kind: Kind) {
        self.bytes.push(kind as u8);
    }

    fn begin(&mut self, kind: Kind, of: usize) -> Result<Shape, Fault> {
        self.depth.begin(kind)?;
        self.bytes.push(kind as u8);
        Ok(Shape::new(kind, of))
    }

    fn end(&mut self, kind: Kind, shape: Shape) -> Kind {
        self.depth.end(kind);
        self.shapes.insert(shape);
        kind
    }

    fn arms(&self) -> bool {
        self.manner.arms
    }

    fn is_readable(&self) -> bool {
        self.manner.readable
    }

    fn n_names(&self) -> usize {
        self.names.len()
    }

    fn name(&mut self, name: &'static str) {
        self.names.push(name);
    }

    fn seal(&mut self, from: usize, at: usize) {
        let names = &self.names[from..];
        let index = if let Some(&index) = self.lists.get(names) {
            index
        } else {
            let index = self.lists.len() as u64;
            self.lists.insert(names.to_vec(), index);
            index
        };
        self.names.truncate(from);
        self.replace(at, index);
    }

    fn n_shapes(&self) -> usize {
        self.shapes.as_slice().len()
    }

    fn forgets(&mut self, at: usize, n_shapes: usize) -> bool {
        let forgets = self.samples && self.n_shapes() == n_shapes;
        if forgets {
            self.bytes.truncate(at);
        }
        forgets
    }
}
