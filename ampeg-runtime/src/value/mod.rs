//! Values as bytes: their encoding, and the shared memory of large values.

pub(crate) mod codec;
pub(crate) mod payload;
pub(crate) mod segment;
pub(crate) mod shared;
