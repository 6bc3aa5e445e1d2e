//! Values as bytes: how they are encoded and decoded, and the shared memory that large ones travel in.

pub(crate) mod codec;
pub(crate) mod payload;
pub(crate) mod segment;
pub(crate) mod shared;
