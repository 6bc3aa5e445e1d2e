//! Shared memory that is filled in place before anybody else can see it.

use crate::panics;
use crate::shared::Shared;
use ipc_channel::ipc::IpcSharedMemory;
use std::any::TypeId;

/// New shared memory of zeros; fails if the system has none left.
fn zeroed(length: usize) -> Result<IpcSharedMemory, String> {
    // ipc-channel panics when the system refuses; a full table of descriptors is the usual reason.
    panics::catch_ours(|| IpcSharedMemory::from_byte(0, length))
        .map_err(|_| format!("no shared memory for {length} bytes"))
}

/// New shared memory with a copy of these bytes; fails if the system has none left.
pub(crate) fn copied_memory(bytes: &[u8]) -> Result<IpcSharedMemory, String> {
    panics::catch_ours(|| IpcSharedMemory::from_bytes(bytes))
        .map_err(|_| format!("no shared memory for {} bytes", bytes.len()))
}

/// New shared memory that `fill` writes, zeros at first; fails if the system has none left.
pub(crate) fn new_memory<R>(
    length: usize,
    fill: impl FnOnce(&mut [u8]) -> R,
) -> Result<(IpcSharedMemory, R), String> {
    let mut memory = zeroed(length)?;
    // SAFETY: the memory was made just now and has been neither cloned nor sent: no other reference to it exists.
    let result = fill(unsafe { memory.deref_mut() });
    Ok((memory, result))
}

/// The same slice, if its items are of type `U`.
pub(crate) fn slice_of<T: 'static, U: 'static>(slice: &[T]) -> Option<&[U]> {
    (TypeId::of::<T>() == TypeId::of::<U>()).then(|| {
        // SAFETY: `T` and `U` are the same type, so this is a slice of as many values of `U`, borrowed for as long.
        unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) }
    })
}

/// The text in shared memory, without checking it again.
pub(crate) fn checked_text(text: &Shared<str>) -> &str {
    // SAFETY: `Shared<str>` is made of text, or of bytes that were checked, and no process of this program writes to
    // shared memory once it is shared.
    unsafe { std::str::from_utf8_unchecked(text.utf8()) }
}
