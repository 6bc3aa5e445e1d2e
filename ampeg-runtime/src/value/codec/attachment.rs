//! Shared memory that is sent with the bytes of a value, as a descriptor.
//!
//! `Shared` announces itself by the name of a newtype struct. Only this codec knows the name and *arms* what comes
//! next; in any other format the same value is plain data.

use crate::value::segment::Segment;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// The newtype struct whose content may be an attachment.
pub(crate) const NAME: &str = "$ampeg::Shared";

/// Attachments of one value; ipc-channel takes 64 descriptors in a message, the value's own bytes included.
pub(crate) const MOST: usize = 48;

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// Empty but for the time of a call. It has no destructor, so that it is there while a thread ends.
    static SEGMENTS: ManuallyDrop<RefCell<Vec<Segment>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Notes that a newtype struct of this name begins.
#[inline]
pub(super) fn arm(name: &str) {
    if name == NAME {
        ARMED.set(true);
    }
}

/// Whether this codec announced the value at hand.
pub(crate) fn is_armed() -> bool {
    ARMED.replace(false)
}

/// Attaches memory to the value being encoded; none if it has too many attachments already.
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

/// Begins a value with these attachments, and gives those of the last one.
pub(super) fn exchange(segments: Vec<Segment>) -> Vec<Segment> {
    ARMED.set(false);
    SEGMENTS.with(|place| place.replace(segments))
}
