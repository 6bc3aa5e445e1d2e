//! The variant of a value, and its content.

use super::{Described, Fault};
use crate::value::codec::shape::Kind;
use serde::de::{self, DeserializeSeed, EnumAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

/// A variant, by name or number, with its content.
pub(super) struct Variant<'a, 'b> {
    pub(super) described: &'a mut Described<'b>,
    pub(super) name: &'b str,
    pub(super) index: u32,
    pub(super) by_index: bool,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let value = seed.deserialize(&self)?;
        Ok((value, self))
    }
}

/// Reads which variant it is.
impl<'de> de::Deserializer<'de> for &Variant<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.by_index {
            visitor.visit_u32(self.index)
        } else {
            visitor.visit_str(self.name)
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u32(self.index)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        de::Deserialize::deserialize(self.described)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.described)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.described.kind(Some(Kind::Tuple))? {
            Kind::Tuple => self.described.tuple(self.name, length, visitor),
            kind => self.described.value(kind, visitor),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.described.kind(Some(Kind::Struct))? {
            Kind::Struct => self.described.fields(self.name, fields, visitor),
            kind => self.described.value(kind, visitor),
        }
    }
}
