//! The limit on the depth of nested values, for writing and reading.

use super::Fault;
use super::shape::Kind;

/// Values in values beyond this are an error.
///
/// As in `serde_json`. Less than half of the 2 MB of stack that threads have is enough for this many of usual types, even in a
/// build without optimization.
pub(super) const DEEPEST: u32 = 128;

/// How many lists, maps, options and variants are open.
///
/// Structs and tuples alone cannot nest without end, so they do not count.
#[derive(Debug, Default)]
pub(super) struct Depth(u32);

impl Depth {
    #[inline]
    pub(super) fn begin(&mut self, kind: Kind) -> Result<(), Fault> {
        if kind.nests() {
            if self.0 == DEEPEST {
                return Err(too_deep());
            }
            self.0 += 1;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn end(&mut self, kind: Kind) {
        if kind.nests() {
            self.0 -= 1;
        }
    }
}

#[cold]
fn too_deep() -> Fault {
    Fault::new(format!("it is nested more than {DEEPEST} levels deep"))
}
