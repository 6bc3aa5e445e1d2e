//! A piece of shared memory that holds a value, or a part of one.
//!
//! Memory travels as a descriptor, of which a process has few. So not all that is held keeps its own: beyond a number
//! of pieces, one that arrives is mapped and its descriptor closed; and since mappings are limited too, beyond another
//! number it is copied. New pieces are memory like any other then, as they are if the system refuses shared memory.
//! If such a piece travels after all, it is copied into new shared memory.

use crate::sys::{self, Pages, resources};
use ipc_channel::ipc::IpcSharedMemory;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A piece of shared memory, mapped once. Clones are the same piece.
#[derive(Clone)]
#[allow(
    unnameable_types,
    reason = "payloads are made of it, and only this crate looks into them"
)]
pub struct Segment(Arc<Memory>);

enum Memory {
    /// With its descriptor, ready to travel.
    Open(Open),
    /// Without one, or not shared at all.
    Closed(Pages),
    /// It was sent, but has not arrived: why.
    Lost(String),
}

/// Counted for as long as it holds a descriptor.
struct Open(IpcSharedMemory);

/// How many there are in this process.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// So many stay open whatever the limit: the start of a pool has made sure that there is room for them.
const ALWAYS_OPEN: usize = 16;
/// What one message may bring, and some for the program.
pub(crate) const ROOM: u64 = 96;

thread_local! {
    /// Why memory could not be opened to travel: what serde passes on of an error has no text.
    static REFUSAL: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Why memory could not be opened by this thread since it was last asked.
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

/// The number of descriptors that this process may have; more than some are not needed for this.
fn most_open() -> usize {
    let limit = resources::open_files().and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(4096, |limit| limit.min(4096))
}

/// Whether the next message finds room for its descriptors; if the program has used them up, more are asked for.
fn has_room() -> bool {
    let has_room = resources::has_room_for_files(ROOM);
    if !has_room {
        resources::make_room_for_files(ROOM);
    }
    has_room
}

/// What memory is for: of how many descriptors it may take up one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// An encoded value: it travels and is dropped then, unless all of a run is in one process.
    Encoded,
    /// It may be held for long: it has arrived, or is a user's.
    Held,
}

impl Use {
    /// Whether this process can hold one more descriptor for this.
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

    /// What it holds, or why it has not arrived.
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
        // If this process has no descriptor left, the system delivers the message without. All else in it counts.
        match IpcSharedMemory::deserialize(deserializer) {
            Ok(memory) => Ok(Self::arrived(memory)),
            Err(_) => Ok(Self(Arc::new(Memory::Lost(resources::no_descriptor())))),
        }
    }
}
