//! A piece of shared memory with a value or a part of one.
//!
//! Shared memory is sent as a descriptor, and a process can only have a limited number of them. So a process keeps
//! the descriptors of a limited number of pieces. When more pieces arrive, it maps them and closes their descriptors.
//! The number of mappings is limited, too: beyond it, a piece is copied. New pieces beyond the limit are allocated as
//! ordinary memory, and so is a piece for which the system refuses shared memory. When ordinary memory must be sent,
//! it is copied into new shared memory.

use crate::sys::{self, Pages, resources};
use ipc_channel::ipc::IpcSharedMemory;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A piece of shared memory, mapped once. Clones refer to the same piece.
#[derive(Clone)]
#[allow(
    unnameable_types,
    reason = "payloads are made of it, and only this crate looks into them"
)]
pub struct Segment(Arc<Memory>);

enum Memory {
    /// With its descriptor, ready to be sent.
    Open(Open),
    /// Without a descriptor: mapped, copied, or ordinary memory.
    Closed(Pages),
    /// The memory was sent to this process, but could not be received, for this reason.
    Lost(String),
}

/// Counted in [`OPEN`] for as long as it has a descriptor.
struct Open(IpcSharedMemory);

/// The number of [`Open`] values in this process.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// The number of descriptors that may be open in any case. A pool checks at its start that there is room for these.
const ALWAYS_OPEN: usize = 16;
/// The descriptors of the largest message, and some for the program.
pub(crate) const ROOM: u64 = 96;

thread_local! {
    /// The reason why memory could not be shared in order to be sent. The serde error that ipc-channel returns has no
    /// text.
    static REFUSAL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The reason why this thread could not share memory, if it failed since the last call.
pub(crate) fn take_refusal() -> Option<String> {
    REFUSAL.take()
}

impl Open {
    fn new(memory: IpcSharedMemory) -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self(memory)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The number of descriptors that this process may have, up to a number that is enough for segments.
fn most_open() -> usize {
    let limit = resources::open_files().and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(4096, |limit| limit.min(4096))
}

/// Whether there is room for the descriptors of the next message. If not, raises the limit for later messages.
fn has_room() -> bool {
    let has_room = resources::has_room_for_files(ROOM);
    if !has_room {
        resources::make_room_for_files(ROOM);
    }
    has_room
}

/// The use of a piece of memory. It decides how many descriptors such pieces may have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// An encoded value: it is dropped after it was sent, unless the whole run is in one process.
    Encoded,
    /// A received value, or a `Shared` of the user: it may be held for a long time.
    Held,
}

impl Use {
    /// Whether this process can hold one more descriptor for this use.
    fn is_affordable(self) -> bool {
        let open = OPEN.load(Ordering::Relaxed);
        let share = match self {
            Self::Encoded => 2,
            Self::Held => 4,
        };
        open < ALWAYS_OPEN || (open < most_open() / share && has_room())
    }
}

impl Segment {
    /// New memory with a copy of these bytes; fails if the system has none left.
    pub(crate) fn copied(bytes: &[u8], purpose: Use) -> Result<Self, String> {
        if purpose.is_affordable()
            && let Ok(memory) = sys::copied_memory(bytes)
        {
            return Ok(Self::open(memory));
        }
        Ok(Self::closed(Pages::copied(bytes)?))
    }

    /// New memory that `fill` writes, zeros at first; fails if the system has none left.
    pub(crate) fn filled<R>(
        length: usize,
        purpose: Use,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<(Self, R), String> {
        if purpose.is_affordable()
            && let Ok(memory) = sys::new_memory(length)
        {
            let (memory, result) = memory.filled(fill);
            return Ok((Self::open(memory), result));
        }
        let (pages, result) = Pages::filled(length, fill)?;
        Ok((Self::closed(pages), result))
    }

    fn arrived(memory: IpcSharedMemory) -> Self {
        if !Use::Held.is_affordable()
            && let Ok(pages) = Pages::of(&memory)
        {
            return Self::closed(pages);
        }
        Self::open(memory)
    }

    fn open(memory: IpcSharedMemory) -> Self {
        Self(Arc::new(Memory::Open(Open::new(memory))))
    }

    fn closed(pages: Pages) -> Self {
        Self(Arc::new(Memory::Closed(pages)))
    }

    /// The contents, or the reason why they have not arrived.
    pub(crate) fn bytes(&self) -> Result<&[u8], String> {
        match &*self.0 {
            Memory::Open(open) => Ok(&open.0),
            Memory::Closed(pages) => Ok(pages),
            Memory::Lost(reason) => Err(reason.clone()),
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &*self.0 {
            Memory::Open(_) => "open",
            Memory::Closed(_) => "closed",
            Memory::Lost(_) => "lost",
        };
        let length = self.bytes().map_or(0, <[u8]>::len);
        write!(f, "Segment({length} bytes, {state})")
    }
}

impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let copied = match &*self.0 {
            Memory::Open(open) => return open.0.serialize(serializer),
            Memory::Closed(pages) => sys::copied_memory(pages),
            Memory::Lost(reason) => Err(reason.clone()),
        };
        match copied {
            Ok(memory) => memory.serialize(serializer),
            Err(reason) => {
                REFUSAL.set(Some(reason.clone()));
                Err(S::Error::custom(reason))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // If this process has no descriptor left, the system delivers the message without this descriptor. The rest
        // of the message is valid.
        match IpcSharedMemory::deserialize(deserializer) {
            Ok(memory) => Ok(Self::arrived(memory)),
            Err(_) => Ok(Self(Arc::new(Memory::Lost(resources::no_descriptor())))),
        }
    }
}
