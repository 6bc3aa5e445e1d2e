//! Reads the compact form, by position alone. `form` has checked that this is right for the type.
//!
//! It never reads beyond the end, and reserves no more memory than the remaining bytes can fill.

use super::depth::Depth;
use super::shape::Kind;
use super::{Fault, attachment, interned};
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// The longest sequence of elements without bytes.
const LONGEST_OF_NOTHING: usize = if usize::BITS > 32 { 1 << 32 } else { 1 << 30 };

/// Deserializes from the unread bytes.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    /// The unread bytes.
    pub(super) bytes: &'b [u8],
    /// Whether all texts and bytes are leaked, or only those whose visitor is known to borrow.
    pub(super) lends: bool,
    pub(super) depth: Depth,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8], lends: bool) -> Self {
        Self {
            bytes,
            lends,
            depth: Depth::default(),
        }
    }

    /// Reads the content of a value of this kind.
    #[inline]
    fn nested<R>(
        &mut self,
        kind: Kind,
        read: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.depth.begin(kind)?;
        let result = read(self);
        self.depth.end(kind);
        result
    }

    #[inline]
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.bytes.split_first_chunk().ok_or_else(cut)?;
        self.bytes = rest;
        Ok(*head)
    }

    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        usize::try_from(u64::from_le_bytes(self.take()?)).map_err(|_| cut())
    }

    #[inline]
    pub(super) fn slice(&mut self) -> Result<&'b [u8], Fault> {
        let length = self.length()?;
        let (head, rest) = self.bytes.split_at_checked(length).ok_or_else(cut)?;
        self.bytes = rest;
        Ok(head)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'b str, Fault> {
        std::str::from_utf8(self.slice()?).map_err(|error| Fault::new(error.to_string()))
    }

    /// The number of elements that follow.
    #[inline]
    pub(super) fn count(&mut self) -> Result<usize, Fault> {
        let count = self.length()?;
        if count > self.bytes.len().max(LONGEST_OF_NOTHING) {
            return Err(cut());
        }
        Ok(count)
    }

    #[inline]
    fn tuple<'de, V: Visitor<'de>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Items { reader: self, left })
    }
}

#[cold]
pub(super) fn cut() -> Fault {
    Fault::new("the bytes end too early")
}

#[cold]
pub(super) fn garbled(what: &str) -> Fault {
    Fault::new(format!("the bytes hold no {what}"))
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty),* $(,)?) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(<$number>::from_le_bytes(self.take()?))
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::new(
            "its Deserialize asks what comes next for some values and not for others",
        ))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.take()? {
            [0] => visitor.visit_bool(false),
            [1] => visitor.visit_bool(true),
            _ => Err(garbled("truth value")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let code = u32::from_le_bytes(self.take()?);
        visitor.visit_char(char::from_u32(code).ok_or_else(|| garbled("character"))?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let text = self.text()?;
        interned::visit_text(text, self.lends, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let bytes = self.slice()?;
        interned::visit_bytes(bytes, self.lends, visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bytes(self.slice()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.take()? {
            [0] => visitor.visit_none(),
            [1] => self.nested(Kind::Some, |reader| visitor.visit_some(reader)),
            _ => Err(garbled("option")),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        attachment::arm(name);
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.count()?;
        self.nested(Kind::Sequence, |reader| reader.tuple(left, visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.count()?;
        self.nested(Kind::Map, |reader| {
            visitor.visit_map(Items { reader, left })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.nested(Kind::Variant, |reader| visitor.visit_enum(Variant(reader)))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The unread items of a sequence, a map or a struct.
struct Items<'a, 'b> {
    reader: &'a mut Reader<'b>,
    left: usize,
}

impl Items<'_, '_> {
    #[inline]
    fn next<'de, T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn bound(&self) -> usize {
        self.left.min(self.reader.bytes.len())
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bound())
    }
}

impl<'de> MapAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.next(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bound())
    }
}

/// A variant: its number, then its content.
struct Variant<'a, 'b>(&'a mut Reader<'b>);

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let variant = u32::from_le_bytes(self.0.take()?);
        let deserializer: de::value::U32Deserializer<Fault> = variant.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.0.tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.tuple(fields.len(), visitor)
    }
}
