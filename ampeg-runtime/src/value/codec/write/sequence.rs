//! Sequences and maps.

use super::{Writer, inner, put_length};
use crate::value::codec::Fault;
use crate::value::codec::shape::{Kind, Shape};
use crate::value::codec::sink::Sink;
use serde::ser::{self, Serialize};

/// The number of elements that a sample keeps of a list. Later elements are kept only if they add a kind or a shape.
const SAMPLE: usize = 32;

/// A sequence or map. Its length may be known only at its end.
#[derive(Debug)]
pub(in crate::value::codec) struct Sequence<'a, S> {
    sink: &'a mut S,
    kind: Kind,
    shape: Shape,
    /// The kinds of the elements or values, and of the keys, with one bit for each kind.
    kinds: [u64; 2],
    at: usize,
    expected: Option<usize>,
    count: usize,
    /// The position, the number of shapes and the kinds before the current element.
    before: (usize, usize, u64),
}

impl<'a, S: Sink> Sequence<'a, S> {
    pub(super) fn new(
        writer: Writer<'a, S>,
        kind: Kind,
        length: Option<usize>,
    ) -> Result<Self, Fault> {
        let Writer { sink, of } = writer;
        let shape = sink.begin(kind, of)?;
        let at = sink.position();
        put_length(sink, length.unwrap_or(0));
        Ok(Self {
            sink,
            kind,
            shape,
            kinds: [0; 2],
            at,
            expected: length,
            count: 0,
            before: (0, 0, 0),
        })
    }

    #[inline]
    fn begin(&mut self) {
        self.count += 1;
        if S::DESCRIBES {
            let [values, keys] = self.kinds;
            self.before = (
                self.sink.position(),
                self.sink.n_shapes(),
                values ^ keys.rotate_left(32),
            );
        }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, which: usize, value: &T) -> Result<(), Fault> {
        self.kinds[which] |= 1 << inner(&mut *self.sink, value)? as u64;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        if S::DESCRIBES && self.count > SAMPLE {
            let (at, n_shapes, kinds) = self.before;
            let [values, keys] = self.kinds;
            if kinds == values ^ keys.rotate_left(32) && self.sink.forgets(at, n_shapes) {
                self.count -= 1;
            }
        }
    }

    fn finish(mut self) -> Kind {
        if self.expected != Some(self.count) {
            self.sink.replace(self.at, self.count as u64);
        }
        self.shape.add(self.kinds[0]);
        self.shape.add(self.kinds[1]);
        self.sink.end(self.kind, self.shape)
    }
}

impl<S: Sink> ser::SerializeSeq for Sequence<'_, S> {
    type Ok = Kind;
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.begin();
        self.item(0, value)?;
        self.close();
        Ok(())
    }

    fn end(self) -> Result<Kind, Fault> {
        Ok(self.finish())
    }
}

impl<S: Sink> ser::SerializeMap for Sequence<'_, S> {
    type Ok = Kind;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.begin();
        self.item(1, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(0, value)?;
        self.close();
        Ok(())
    }

    fn end(self) -> Result<Kind, Fault> {
        Ok(self.finish())
    }
}
