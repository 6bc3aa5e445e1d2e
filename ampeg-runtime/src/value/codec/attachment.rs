//! Shared memory that is sent as a descriptor with the bytes of a value.
//!
//! `Shared` serializes as a newtype struct with the name [`NAME`]. Only this codec knows the name: it *arms* the
//! content of this struct, which may then be an attachment. In any other format, the content is plain data.

use crate::value::segment::Segment;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// The newtype struct whose content may be an attachment.
pub(crate) const NAME: &str = "$ampeg::Shared";

/// The largest number of attachments of a value. A message of ipc-channel has at most 64 descriptors, and one of them
/// may be that of the value's own bytes.
pub(crate) const MOST: usize = 48;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// Empty except during a call. This variable has no destructor, so it exists while a thread ends.
    static SEGMENTS: ManuallyDrop<RefCell<Vec<Segment>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Arms the next value if it is the content of a newtype struct named [`NAME`].
#[inline]
pub(super) fn arm(name: &str) {
    if name == NAME {
        ARMED.set(true);
    }
}

/// Whether the current value is armed. Disarms it.
pub(crate) fn is_armed() -> bool {
    ARMED.replace(false)
}

/// Attaches memory to the value being encoded and returns its index; none if the value has too many attachments.
pub(crate) fn attach(segment: &Segment) -> Option<u32> {
    SEGMENTS.with(|segments| {
        let mut segments = segments.borrow_mut();
        let index = segments.len();
        (index < MOST).then(|| {
            segments.push(segment.clone());
            u32::try_from(index).unwrap_or(u32::MAX)
        })
    })
}

/// An attachment of the value being decoded.
pub(crate) fn attached(index: u32) -> Option<Segment> {
    SEGMENTS.with(|segments| segments.borrow().get(index as usize).cloned())
}

/// Begins a value with these attachments, and returns the attachments of the previous value.
pub(super) fn exchange(segments: Vec<Segment>) -> Vec<Segment> {
    ARMED.set(false);
    SEGMENTS.with(|place| place.replace(segments))
}
