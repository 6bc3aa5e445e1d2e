//! Shared memory that is filled in place before other processes can see it.

use crate::base::panics;
use crate::sys::resources;
use crate::value::shared::Shared;
use ipc_channel::ipc::IpcSharedMemory;
use std::any::TypeId;
use std::io;

/// Calls `make` for new shared memory of `length` bytes; fails if the system has none left.
fn made(
    length: usize,
    make: impl Fn() -> IpcSharedMemory + Copy,
) -> Result<IpcSharedMemory, String> {
    resources::check_file_size(length)?;
    // ipc-channel panics if the system refuses shared memory.
    if let Ok(memory) = panics::catch_ours(make) {
        return Ok(memory);
    }
    let mut error = io::Error::last_os_error();
    if resources::is_about_descriptors(&error) {
        resources::make_room_for_files(2);
        if let Ok(memory) = panics::catch_ours(make) {
            return Ok(memory);
        }
        error = io::Error::last_os_error();
    }
    let reason = resources::shortage(&error);
    Err(format!("no shared memory for {length} bytes: {reason}"))
}

/// New shared memory with a copy of these bytes; fails if the system has none left.
pub(crate) fn copied_memory(bytes: &[u8]) -> Result<IpcSharedMemory, String> {
    made(bytes.len(), || IpcSharedMemory::from_bytes(bytes))
}

/// New shared memory of zeros; fails if the system has none left.
pub(crate) fn new_memory(length: usize) -> Result<NewMemory, String> {
    made(length, || IpcSharedMemory::from_byte(0, length)).map(NewMemory)
}

/// Shared memory that no other process can see yet.
pub(crate) struct NewMemory(IpcSharedMemory);

impl NewMemory {
    /// The memory, once `fill` has written it.
    pub(crate) fn filled<R>(mut self, fill: impl FnOnce(&mut [u8]) -> R) -> (IpcSharedMemory, R) {
        // SAFETY: the memory has been neither cloned nor sent since it was made: no other reference to it exists.
        let result = fill(unsafe { self.0.deref_mut() });
        (self.0, result)
    }
}

/// The same slice, if its items are of type `U`.
pub(crate) fn slice_of<T: 'static, U: 'static>(slice: &[T]) -> Option<&[U]> {
    (TypeId::of::<T>() == TypeId::of::<U>()).then(|| {
        // SAFETY: `T` and `U` are the same type, so this is a slice of as many values of `U`, borrowed for as long.
        unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) }
    })
}

/// The text in shared memory, without checking the bytes again.
pub(crate) fn checked_text(text: &Shared<str>) -> &str {
    // SAFETY: `Shared<str>` is made of text, or of bytes that were checked, and no process of this program writes to
    // shared memory once it is shared.
    unsafe { std::str::from_utf8_unchecked(text.utf8()) }
}
