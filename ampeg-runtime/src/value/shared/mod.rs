//! [`Shared`]: a slice or text in shared memory, which many processes read without copies.

use crate::sys;
use crate::value::codec::attachment::{self, NAME};
use crate::value::payload::SHARED_FROM;
use crate::value::segment::{Segment, Use};
use bytemuck::Pod;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

#[cfg(test)]
mod tests;

/// A slice or text in shared memory. A task makes it once; all tasks that depend on it, and the caller, read it in
/// place.
///
/// Between the processes of a graph, only a descriptor is sent, whatever the size, even if the `Shared` is inside
/// another type. Other serde formats see plain data. Clones share the memory, which nobody can write to after it is
/// made.
///
/// Contents below a few pages are copied, which is faster. A value has at most 48 descriptors, because a message has
/// at most 64; the contents of further `Shared`s in the value are copied, too.
///
/// ```
/// use ampeg::{Shared, graph};
///
/// let outcome = graph! {
///     wave = Shared::from_fn(100_000, |n| (n as f64).sin());
///     low = wave[..50_000].iter().sum::<f64>();
///     high = wave[50_000..].iter().sum::<f64>();
/// }
/// .run(2)?;
/// assert_eq!(outcome.wave.as_ref().unwrap().len(), 100_000);
/// # Ok::<(), ampeg::Error>(())
/// ```
pub struct Shared<C: SharedContents + ?Sized> {
    memory: Memory,
    contents: PhantomData<C>,
}

/// The contents of a [`Shared`]: `str`, and slices of plain numbers and structs of them ([`bytemuck::Pod`]).
pub trait SharedContents: sealed::Sealed {
    /// These bytes as contents; none if the bytes are not valid contents.
    #[doc(hidden)]
    fn checked(bytes: &[u8]) -> Option<&Self>;
    /// The bytes of these contents.
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];
}

mod sealed {
    #[allow(unnameable_types, reason = "nobody else may implement it")]
    pub trait Sealed {}
    impl<T: bytemuck::Pod> Sealed for [T] {}
    impl Sealed for str {}
}

impl<T: Pod> SharedContents for [T] {
    fn checked(bytes: &[u8]) -> Option<&Self> {
        const {
            assert!(
                size_of::<T>() > 0,
                "elements without bytes cannot be shared"
            );
        };
        // An empty slice needs no alignment.
        if bytes.is_empty() {
            return Some(&[]);
        }
        bytemuck::try_cast_slice(bytes).ok()
    }

    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl SharedContents for str {
    fn checked(bytes: &[u8]) -> Option<&Self> {
        std::str::from_utf8(bytes).ok()
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Memory whose contents were checked when the [`Shared`] was made.
#[derive(Clone)]
enum Memory {
    Empty,
    Mapped(Segment),
}

impl Memory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            // A segment that was lost did not become a `Shared`.
            Self::Mapped(segment) => segment.bytes().unwrap_or_default(),
        }
    }
}

impl<C: SharedContents + ?Sized> Shared<C> {
    fn of(memory: Memory) -> Option<Self> {
        C::checked(memory.bytes())?;
        Some(Self {
            memory,
            contents: PhantomData,
        })
    }

    /// A copy of these contents in shared memory.
    ///
    /// # Panics
    ///
    /// If the system has no memory left.
    pub fn copied(contents: &C) -> Self {
        Self {
            memory: copied(contents.bytes()),
            contents: PhantomData,
        }
    }
}

fn copied(bytes: &[u8]) -> Memory {
    if bytes.is_empty() {
        return Memory::Empty;
    }
    match Segment::copied(bytes, Use::Held) {
        Ok(memory) => Memory::Mapped(memory),
        Err(reason) => panic!("{reason}"),
    }
}

impl<T: Pod> Shared<[T]> {
    /// Shared memory for `length` elements that `fill` writes in place, zeros at first.
    ///
    /// # Panics
    ///
    /// If the system has no memory left, or `fill` panics.
    pub fn build(length: usize, fill: impl FnOnce(&mut [T])) -> Self {
        let contents = PhantomData;
        let size = length.saturating_mul(size_of::<T>());
        if size == 0 {
            fill(&mut []);
            let memory = Memory::Empty;
            return Self { memory, contents };
        }
        let fill = |bytes: &mut [u8]| fill(bytemuck::cast_slice_mut(bytes));
        let made = Segment::filled(size, Use::Held, fill);
        match made {
            Ok((memory, ())) => Self {
                memory: Memory::Mapped(memory),
                contents,
            },
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Shared memory with the result of `element` for each index.
    ///
    /// # Panics
    ///
    /// If the system has no memory left, or `element` panics.
    pub fn from_fn(length: usize, mut element: impl FnMut(usize) -> T) -> Self {
        Self::build(length, |elements| {
            for (index, place) in elements.iter_mut().enumerate() {
                *place = element(index);
            }
        })
    }
}

impl<T: Pod> From<&[T]> for Shared<[T]> {
    fn from(elements: &[T]) -> Self {
        Self::copied(elements)
    }
}

impl From<&str> for Shared<str> {
    fn from(text: &str) -> Self {
        Self::copied(text)
    }
}

impl<T: Pod> Deref for Shared<[T]> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        <[T]>::checked(self.memory.bytes()).expect("the contents were checked when this was made")
    }
}

impl Deref for Shared<str> {
    type Target = str;

    fn deref(&self) -> &str {
        sys::checked_text(self)
    }
}

impl Shared<str> {
    /// The bytes, which were valid UTF-8 when this was made, and cannot have changed.
    pub(crate) fn utf8(&self) -> &[u8] {
        self.memory.bytes()
    }
}

impl<C: SharedContents + ?Sized> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self {
            memory: self.memory.clone(),
            contents: PhantomData,
        }
    }
}

impl<C: SharedContents + fmt::Debug + ?Sized> fmt::Debug for Shared<C>
where
    Self: Deref<Target = C>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<C: SharedContents + PartialEq + ?Sized> PartialEq for Shared<C>
where
    Self: Deref<Target = C>,
{
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// The content of the newtype struct that the codec arms.
struct Inside<'a, C: SharedContents + ?Sized>(&'a Shared<C>);

/// An armed content.
#[derive(Serialize, Deserialize)]
enum Travelling {
    Copied(#[serde(with = "serde_bytes")] Vec<u8>),
    Attached(u32),
}

impl<C: SharedContents + Serialize + ?Sized> Serialize for Inside<'_, C>
where
    Shared<C>: Deref<Target = C>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let memory = &self.0.memory;
        if !attachment::is_armed() {
            return (**self.0).serialize(serializer);
        }
        let attached = match memory {
            Memory::Mapped(segment) if memory.bytes().len() >= SHARED_FROM => {
                attachment::attach(segment)
            }
            _ => None,
        };
        let copied = || Travelling::Copied(memory.bytes().to_vec());
        attached
            .map_or_else(copied, Travelling::Attached)
            .serialize(serializer)
            .map_err(S::Error::custom)
    }
}

impl<C: SharedContents + Serialize + ?Sized> Serialize for Shared<C>
where
    Self: Deref<Target = C>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &Inside(self))
    }
}

/// The owned form of contents, for other formats.
trait Owned: SharedContents {
    type Owned: DeserializeOwned;
    fn shared(owned: &Self::Owned) -> Shared<Self>;
}

impl<T: Pod + DeserializeOwned> Owned for [T] {
    type Owned = Vec<T>;
    fn shared(owned: &Vec<T>) -> Shared<[T]> {
        Shared::copied(owned)
    }
}

impl Owned for str {
    type Owned = String;
    fn shared(owned: &String) -> Shared<str> {
        Shared::copied(owned)
    }
}

struct Visitor<C: ?Sized>(PhantomData<C>);

impl<'de, C: Owned + ?Sized> serde::de::Visitor<'de> for Visitor<C> {
    type Value = Shared<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shared contents")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<Shared<C>, D::Error> {
        if !attachment::is_armed() {
            return Ok(C::shared(&C::Owned::deserialize(inside)?));
        }
        let memory = match Travelling::deserialize(inside)? {
            Travelling::Copied(bytes) => copied(&bytes),
            Travelling::Attached(index) => {
                let segment = attachment::attached(index);
                let segment =
                    segment.ok_or_else(|| D::Error::custom("shared memory is missing"))?;
                segment.bytes().map_err(D::Error::custom)?;
                Memory::Mapped(segment)
            }
        };
        Shared::of(memory).ok_or_else(|| D::Error::custom("shared memory holds something else"))
    }
}

impl<'de, T: Pod + DeserializeOwned> Deserialize<'de> for Shared<[T]> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Visitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Shared<str> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Visitor(PhantomData))
    }
}
