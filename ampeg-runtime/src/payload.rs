//! A result as bytes: small ones travel inside a message, larger ones in shared memory.

use ipc_channel::ipc::IpcSharedMemory;
use serde::{Deserialize, Serialize};
use std::panic::catch_unwind;
use std::sync::Arc;

/// From this size on, bytes travel as shared memory; in between, a descriptor costs more than the copy.
const SHARED_FROM: usize = 32 * 1024;

/// An encoded value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Payload {
    Inline(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Cloned for each consumer: one mapping serves all.
    Shared(Arc<IpcSharedMemory>),
}

impl Payload {
    /// These bytes, ready to travel; fails if the system has no shared memory left for them.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() < SHARED_FROM {
            return Ok(Self::Inline(bytes));
        }
        // ipc-channel panics when the system refuses; a full table of descriptors is the usual reason.
        catch_unwind(|| Self::Shared(Arc::new(IpcSharedMemory::from_bytes(&bytes))))
            .map_err(|_| format!("no shared memory for {} bytes", bytes.len()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => bytes,
            Self::Shared(memory) => memory,
        }
    }

    /// The number of bytes.
    pub(crate) fn len(&self) -> u64 {
        self.bytes().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_whatever_their_number() {
        for length in [0, 1, SHARED_FROM - 1, SHARED_FROM, 3 * SHARED_FROM] {
            let payload = Payload::new(vec![7; length]).unwrap();
            assert_eq!(payload.bytes(), vec![7; length]);
            assert_eq!(matches!(payload, Payload::Shared(_)), length >= SHARED_FROM);
        }
    }
}
