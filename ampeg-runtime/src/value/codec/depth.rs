//! The limit on the depth of nested values, for writing and reading.

use super::Fault;
use super::shape::Kind;

/// The deepest nesting of values. Deeper values are an error.
///
/// The limit is that of `serde_json`. Types of usual size need less than half of the 2 MB of stack that a thread has,
/// even in a build without optimization.
pub(super) const DEEPEST: u32 = 128;

/// The number of open lists, maps, options and variants.
///
/// Structs and tuples do not count, because a type cannot contain itself through them alone.
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
