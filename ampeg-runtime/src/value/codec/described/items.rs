//! The items of a list, a map or a struct.

use super::{Described, Fault};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess};

/// The unread items of a sequence, a map, or a struct. Only a struct has `names`.
pub(super) struct Items<'a, 'b> {
    pub(super) described: &'a mut Described<'b>,
    pub(super) left: usize,
    pub(super) names: &'b [String],
    /// Whether items are read as entries of a map, and whether a key was read without its value.
    pub(super) is_map: bool,
    pub(super) owes_value: bool,
}

impl Items<'_, '_> {
    fn bound(&self) -> usize {
        self.left.min(self.described.reader.bytes.len())
    }

    /// Skips the unread items.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        let mut items = self;
        if items.left > 0 || items.owes_value {
            items.described.agrees = false;
        }
        if items.owes_value {
            MapAccess::next_value::<IgnoredAny>(&mut items)?;
        }
        while items.left > 0 {
            if items.is_map {
                MapAccess::next_entry::<IgnoredAny, IgnoredAny>(&mut items)?;
            } else {
                SeqAccess::next_element::<IgnoredAny>(&mut items)?;
            }
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.described).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bound())
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.is_map = true;
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.owes_value = true;
        if let Some((name, rest)) = self.names.split_first() {
            self.names = rest;
            let name: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        seed.deserialize(&mut *self.described).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.owes_value = false;
        seed.deserialize(&mut *self.described)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bound())
    }
}
