//! An encoded value: in a message if it is small, otherwise in shared memory.

use crate::value::codec::attachment::MOST;
use crate::value::segment::{Segment, Use};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use smallvec::SmallVec;
use std::fmt;

/// From this size on, bytes are sent as shared memory. For fewer bytes, a descriptor costs more than a copy.
pub(crate) const SHARED_FROM: usize = 32 * 1024;

/// An encoded value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Payload {
    /// The bytes are in the message. Up to 16 bytes need no allocation.
    Inline(#[serde(with = "as_bytes")] SmallVec<[u8; 16]>),
    /// The bytes are in shared memory. Clones share the memory.
    Shared(Segment),
    /// The value contains shared memory, which is sent beside the bytes.
    Attached {
        /// The bytes, without attachments.
        bytes: Box<Self>,
        /// The memory, by index.
        #[serde(deserialize_with = "attachments")]
        attached: Vec<Segment>,
    },
    /// The bytes are in the self-describing form. All other payloads are in the compact form.
    Described(Box<Self>),
}

/// Reads no more attachments than a payload can have, because a damaged message may announce any number.
fn attachments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Segment>, D::Error> {
    struct Attachments;

    impl<'de> Visitor<'de> for Attachments {
        type Value = Vec<Segment>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST} pieces of shared memory")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<Segment>, A::Error> {
            let mut segments = Vec::new();
            while let Some(segment) = access.next_element()? {
                if segments.len() == MOST {
                    return Err(A::Error::invalid_length(MOST + 1, &self));
                }
                segments.push(segment);
            }
            Ok(segments)
        }
    }

    deserializer.deserialize_seq(Attachments)
}

impl Payload {
    /// A copy of these bytes, ready to be sent; fails if the system has no memory left for them.
    pub(crate) fn copied(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < SHARED_FROM {
            return Ok(Self::Inline(SmallVec::from_slice(bytes)));
        }
        Ok(Self::Shared(Segment::copied(bytes, Use::Encoded)?))
    }

    /// The same bytes with these attachments.
    pub(crate) fn with(self, attached: Vec<Segment>) -> Self {
        if attached.is_empty() {
            return self;
        }
        let bytes = Box::new(self);
        Self::Attached { bytes, attached }
    }

    /// The same bytes, marked as self-describing.
    pub(crate) fn described(self) -> Self {
        Self::Described(Box::new(self))
    }

    pub(crate) fn is_described(&self) -> bool {
        match self {
            Self::Inline(_) | Self::Shared(_) => false,
            Self::Attached { bytes, .. } => bytes.is_described(),
            Self::Described(_) => true,
        }
    }

    /// The bytes, or the reason why they have not arrived.
    pub(crate) fn bytes(&self) -> Result<&[u8], String> {
        match self {
            Self::Inline(bytes) => Ok(bytes),
            Self::Shared(memory) => memory.bytes(),
            Self::Attached { bytes, .. } | Self::Described(bytes) => bytes.bytes(),
        }
    }

    pub(crate) fn attached(&self) -> &[Segment] {
        match self {
            Self::Inline(_) | Self::Shared(_) | Self::Described(_) => &[],
            Self::Attached { attached, .. } => attached,
        }
    }

    /// The number of bytes that this puts into a message.
    pub(crate) fn n_inline(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Shared(_) => 0,
            Self::Attached { bytes, .. } | Self::Described(bytes) => bytes.n_inline(),
        }
    }

    /// The number of descriptors that this puts into a message.
    pub(crate) fn n_descriptors(&self) -> usize {
        match self {
            Self::Inline(_) => 0,
            Self::Shared(_) => 1,
            Self::Described(bytes) => bytes.n_descriptors(),
            Self::Attached { bytes, attached } => bytes.n_descriptors() + attached.len(),
        }
    }

    /// The number of bytes of the value, without attachments.
    pub(crate) fn len(&self) -> u64 {
        self.bytes().map_or(0, <[u8]>::len) as u64
    }
}

/// Reads and writes bytes as a block, not one by one.
mod as_bytes {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::Bytes;
    use smallvec::SmallVec;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Messages are read from memory, so the bytes are borrowed until they are copied once.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SmallVec<[u8; 16]>, D::Error> {
        let bytes = <&Bytes>::deserialize(deserializer)?;
        Ok(SmallVec::from_slice(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_whatever_their_number() {
        for length in [0, 1, SHARED_FROM - 1, SHARED_FROM, 3 * SHARED_FROM] {
            let payload = Payload::copied(&vec![7; length]).unwrap();
            assert_eq!(payload.bytes().unwrap(), vec![7; length]);
            assert_eq!(payload.n_descriptors() == 1, length >= SHARED_FROM);
            let inline = if length < SHARED_FROM { length } else { 0 };
            assert_eq!(payload.n_inline(), inline as u64);
        }
    }
}
