//! Memory of values without a descriptor: a mapping, or a copy.

use crate::sys::resources;
use ipc_channel::ipc::IpcSharedMemory;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are never written again, at the start of a page.
pub(crate) struct Pages {
    start: NonNull<u8>,
    length: usize,
    kind: Kind,
}

enum Kind {
    /// A mapping of the shared memory itself.
    #[cfg(target_os = "linux")]
    Mapped,
    /// Memory of the allocator.
    Owned(#[allow(dead_code, reason = "it owns the memory")] Vec<Page>),
}

#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// The number of [`Kind::Mapped`] pages in this process.
#[cfg(target_os = "linux")]
static MAPPED: AtomicUsize = AtomicUsize::new(0);
/// A quarter of the mappings that Linux allows a process by default.
#[cfg(target_os = "linux")]
const MOST_MAPPED: usize = 16 * 1024;

// SAFETY: the memory belongs to this value, or is a mapping that belongs to it, and is only read.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// The contents of shared memory, which may be dropped afterwards; fails if the system has no memory left.
    pub(crate) fn of(memory: &IpcSharedMemory) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        if MAPPED.load(Ordering::Relaxed) < MOST_MAPPED
            && let Some(pages) = Self::mapped(memory)
        {
            return Ok(pages);
        }
        Self::copied(memory)
    }

    #[cfg(target_os = "linux")]
    fn mapped(memory: &IpcSharedMemory) -> Option<Self> {
        let length = memory.len();
        if length == 0 {
            return None;
        }
        // SAFETY: the address is that of a shared mapping of this length, which lives for as long as `memory` is
        // borrowed. With an old size of 0, `mremap` leaves that mapping as it is, and maps the same memory a second
        // time, at any address.
        let start = unsafe {
            libc::mremap(
                memory.as_ptr().cast_mut().cast(),
                0,
                length,
                libc::MREMAP_MAYMOVE,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = NonNull::new(start.cast())?;
        MAPPED.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            start,
            length,
            kind: Kind::Mapped,
        })
    }

    /// A copy of these bytes; fails if the system has no memory left.
    pub(crate) fn copied(bytes: &[u8]) -> Result<Self, String> {
        let (pages, start) = reserved(bytes.len())?;
        // SAFETY: the vector has room for as many bytes, which is new memory and so does not overlap with `bytes`. No
        // page is read or dropped as such: the length of the vector stays 0.
        unsafe {
            start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        }
        Ok(Self::owned(pages, start, bytes.len()))
    }

    /// New memory that `fill` writes, zeros at first; fails if the system has no memory left.
    pub(crate) fn filled<R>(
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<(Self, R), String> {
        let (pages, start) = reserved(length)?;
        // SAFETY: the vector has room for as many bytes, which are set to 0 before a reference to them is made; nothing
        // else refers to them. The length of the vector stays 0, as above.
        let result = unsafe {
            start.write_bytes(0, length);
            fill(std::slice::from_raw_parts_mut(start.as_ptr(), length))
        };
        Ok((Self::owned(pages, start, length), result))
    }

    fn owned(pages: Vec<Page>, start: NonNull<u8>, length: usize) -> Self {
        Self {
            start,
            length,
            kind: Kind::Owned(pages),
        }
    }
}

/// An empty vector with capacity for so many bytes, and the address of that capacity.
fn reserved(length: usize) -> Result<(Vec<Page>, NonNull<u8>), String> {
    let mut pages: Vec<Page> = Vec::new();
    pages
        .try_reserve_exact(length.div_ceil(size_of::<Page>()))
        .map_err(|_| resources::no_memory(length))?;
    let start = NonNull::from(pages.spare_capacity_mut()).cast();
    Ok((pages, start))
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes from there on are mapped or allocated for as long as this value lives, and were all
        // written before it was made; nobody writes to memory that has been shared.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        match self.kind {
            #[cfg(target_os = "linux")]
            Kind::Mapped => {
                MAPPED.fetch_sub(1, Ordering::Relaxed);
                // SAFETY: this value made the mapping, and nothing borrows from the mapping any more. If the call
                // fails, the memory stays mapped.
                unsafe {
                    libc::munmap(self.start.as_ptr().cast(), self.length);
                }
            }
            Kind::Owned(_) => {}
        }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_outlive_the_memory() {
        for length in [1, 4096, 4097, 1_000_000] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let memory = IpcSharedMemory::from_bytes(&bytes);
            let (pages, copy) = (Pages::of(&memory).unwrap(), Pages::copied(&memory).unwrap());
            drop(memory);
            assert_eq!((&*pages, &*copy), (&*bytes, &*bytes));
            for start in [pages.as_ptr(), copy.as_ptr()] {
                assert!(start.addr().is_multiple_of(4096));
            }
        }
        let (pages, zero) =
            Pages::filled(5000, |bytes| std::mem::replace(&mut bytes[4999], 7)).unwrap();
        assert_eq!((zero, &pages[4998..]), (0, &[0, 7][..]));
        assert!(Pages::copied(&[]).unwrap().is_empty());
        assert!(
            Pages::of(&IpcSharedMemory::from_bytes(&[]))
                .unwrap()
                .is_empty()
        );
    }
}
