//! From a description to a value, as serde's self-describing formats do it: fields and variants by their names.
//!
//! It can also read by position where names allow it, and note whether they did everywhere: see `form`.

use super::interned::{visit_bytes, visit_text};
use super::read::{Reader, cut, garbled};
use super::shape::Kind;
use super::{Fault, attachment};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeSeed, EnumAccess, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Deserializes from a description.
#[derive(Debug)]
pub(super) struct Told<'b> {
    reader: Reader<'b>,
    lists: &'b [Vec<String>],
    /// Whether `Shared` has attached its memory.
    arms: bool,
    /// Whether to read by position where that is right.
    by_position: bool,
    /// Whether the compact form would be read the same way, as far as this was read.
    pub(super) agrees: bool,
}

impl<'b> Told<'b> {
    pub(super) fn new(
        reader: Reader<'b>,
        lists: &'b [Vec<String>],
        arms: bool,
        by_position: bool,
    ) -> Self {
        Self {
            reader,
            lists,
            arms,
            by_position,
            agrees: true,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.reader.bytes.is_empty()
    }

    /// The kind of what comes next, which is to be of this one.
    fn kind(&mut self, asked: Option<Kind>) -> Result<Kind, Fault> {
        let [byte] = self.reader.take()?;
        let kind = Kind::from_byte(byte).ok_or_else(|| garbled("kind of value"))?;
        self.agrees &= asked == Some(kind);
        Ok(kind)
    }

    fn names(&mut self) -> Result<&'b [String], Fault> {
        let list = self.reader.length()?;
        Ok(self
            .lists
            .get(list)
            .ok_or_else(|| garbled("list of names"))?)
    }

    fn nested<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        // The reader counts how deep this is.
        self.reader.deeper()?;
        let result = read(self);
        self.reader.higher();
        result
    }

    /// A value of a kind that is known, whatever was asked for.
    fn value<'de, V: Visitor<'de>>(&mut self, kind: Kind, visitor: V) -> Result<V::Value, Fault> {
        macro_rules! number {
            ($visit:ident $number:ty) => {
                visitor.$visit(<$number>::from_le_bytes(self.reader.take()?))
            };
        }
        match kind {
            Kind::Bool => de::Deserializer::deserialize_bool(&mut self.reader, visitor),
            Kind::I8 => number!(visit_i8 i8),
            Kind::I16 => number!(visit_i16 i16),
            Kind::I32 => number!(visit_i32 i32),
            Kind::I64 => number!(visit_i64 i64),
            Kind::I128 => number!(visit_i128 i128),
            Kind::U8 => number!(visit_u8 u8),
            Kind::U16 => number!(visit_u16 u16),
            Kind::U32 => number!(visit_u32 u32),
            Kind::U64 => number!(visit_u64 u64),
            Kind::U128 => number!(visit_u128 u128),
            Kind::F32 => number!(visit_f32 f32),
            Kind::F64 => number!(visit_f64 f64),
            Kind::Char => de::Deserializer::deserialize_char(&mut self.reader, visitor),
            Kind::Text => visit_text(self.reader.text()?, self.reader.lends, visitor),
            Kind::Bytes => visit_bytes(self.reader.slice()?, self.reader.lends, visitor),
            Kind::None => visitor.visit_none(),
            Kind::Some => self.nested(|told| visitor.visit_some(told)),
            Kind::Unit => visitor.visit_unit(),
            Kind::Sequence | Kind::Tuple => self.sequence(visitor),
            Kind::Map => self.entries(&[], visitor),
            Kind::Struct => {
                let left = self.reader.count()?;
                let names = self.names()?;
                self.by_name(left, names, visitor)
            }
            Kind::Variant => self.variant_as_value(visitor),
        }
    }

    fn sequence<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        self.items(left, &[], |items| visitor.visit_seq(items))
    }

    fn entries<'de, V: Visitor<'de>>(
        &mut self,
        names: &'b [String],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        self.items(left, names, |items| visitor.visit_map(items))
    }

    fn by_name<'de, V: Visitor<'de>>(
        &mut self,
        left: usize,
        names: &'b [String],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if left != names.len() {
            return Err(cut());
        }
        self.items(left, names, |items| visitor.visit_map(items))
    }

    /// Reads items; what the type does not want of them is passed over.
    fn items<R>(
        &mut self,
        left: usize,
        names: &'b [String],
        read: impl FnOnce(&mut Items<'_, 'b>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.nested(|told| {
            let mut items = Items {
                told,
                left,
                names,
                is_map: false,
                owes_value: false,
            };
            let result = read(&mut items)?;
            items.finish()?;
            Ok(result)
        })
    }

    /// A variant where its type is not known: its name, or a map of it.
    fn variant_as_value<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let _: [u8; 4] = self.reader.take()?;
        let names = self.names()?;
        let name = names.first().ok_or_else(|| garbled("variant"))?;
        if self.reader.bytes.first() == Some(&(Kind::Unit as u8)) {
            self.kind(None)?;
            return visit_text(name, self.reader.lends, visitor);
        }
        self.by_name(1, names, visitor)
    }

    /// A struct, by position if it is written as it is read, else by the names of its fields.
    fn fields<'de, V: Visitor<'de>>(
        &mut self,
        name: &str,
        fields: &[&str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        let written = self.names()?;
        if self.by_position && written == fields && left == fields.len() {
            return self.items(left, &[], |items| visitor.visit_seq(items));
        }
        self.agrees &= written == fields;
        self.by_name(left, written, visitor)
            .map_err(|fault| explain_fields(fault, name, written, fields))
    }

    /// A tuple struct, or a tuple in a variant: a missing one of its fields cannot be told from those after it.
    fn tuple<'de, V: Visitor<'de>>(
        &mut self,
        name: &str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        if left != length {
            self.agrees = false;
            return Err(Fault::new(format!(
                "`{name}` writes {left} of its fields and reads {length}, and they have no names by which to \
                 tell which (`skip_serializing_if`, or `skip_serializing` or `skip_deserializing` alone)"
            )));
        }
        self.items(left, &[], |items| visitor.visit_seq(items))
    }
}

#[cold]
fn explain_fields(fault: Fault, name: &str, written: &[String], fields: &[&str]) -> Fault {
    let missing = fields.iter().find(|&&field| written.iter().all(|other| other != field));
    let extra = written.iter().find(|&field| fields.iter().all(|other| other != field));
    let why = match (missing, extra) {
        (None, None) => return fault,
        (Some(field), None) => format!(
            "`{name}` reads its field `{field}` and has not written it (`skip_serializing`, `skip_serializing_if`)"
        ),
        (None, Some(field)) => {
            format!("`{name}` writes its field `{field}` and does not read it (`skip_deserializing`)")
        }
        (Some(field), Some(extra)) => format!(
            "`{name}` writes `{extra}` and reads `{field}` (`skip_serializing`, `skip_deserializing`, or a `rename` of one of the two)"
        ),
    };
    fault.explained(|| why)
}

macro_rules! asked {
    ($($method:ident $kind:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let kind = self.kind(Some(Kind::$kind))?;
            self.value(kind, visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Told<'_> {
    type Error = Fault;

    asked! {
        deserialize_bool Bool, deserialize_i8 I8, deserialize_i16 I16, deserialize_i32 I32, deserialize_i64 I64,
        deserialize_i128 I128, deserialize_u8 U8, deserialize_u16 U16, deserialize_u32 U32, deserialize_u64 U64,
        deserialize_u128 U128, deserialize_f32 F32, deserialize_f64 F64, deserialize_char Char,
        deserialize_unit Unit, deserialize_seq Sequence,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let kind = self.kind(None)?;
        self.value(kind, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let kind = self.kind(Some(Kind::Text))?;
        self.value(kind, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.kind(Some(Kind::Text))? {
            Kind::Text => visitor.visit_str(self.reader.text()?),
            kind => self.value(kind, visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let kind = self.kind(Some(Kind::Bytes))?;
        self.value(kind, visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.kind(Some(Kind::Bytes))? {
            Kind::Bytes => visitor.visit_bytes(self.reader.slice()?),
            kind => self.value(kind, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        // What is written without `Some` is there: look at its kind once more.
        match self.reader.bytes.first().copied().and_then(Kind::from_byte) {
            Some(kind @ (Kind::None | Kind::Some)) => {
                self.kind(Some(kind))?;
                self.value(kind, visitor)
            }
            Some(Kind::Unit) => {
                self.kind(None)?;
                visitor.visit_none()
            }
            _ => {
                self.agrees = false;
                self.nested(|told| visitor.visit_some(told))
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.arms {
            attachment::arm(name);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let kind = self.kind(Some(Kind::Tuple))?;
        if kind != Kind::Tuple {
            return self.value(kind, visitor);
        }
        let left = self.reader.count()?;
        self.agrees &= left == length;
        self.items(left, &[], |items| visitor.visit_seq(items))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.kind(Some(Kind::Tuple))? {
            Kind::Tuple => self.tuple(name, length, visitor),
            kind => self.value(kind, visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let kind = self.kind(Some(Kind::Map))?;
        self.value(kind, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.kind(Some(Kind::Struct))? {
            Kind::Struct => self.fields(name, fields, visitor),
            kind => self.value(kind, visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.kind(Some(Kind::Variant))? {
            Kind::Variant => {}
            Kind::Text => {
                let text: StrDeserializer<'_, Fault> = self.reader.text()?.into_deserializer();
                return visitor.visit_enum(text);
            }
            Kind::Map => {
                let left = self.reader.count()?;
                return self.items(left, &[], |items| {
                    visitor.visit_enum(MapAccessDeserializer::new(items))
                });
            }
            kind => return self.value(kind, visitor),
        }
        let index = u32::from_le_bytes(self.reader.take()?);
        let variant = self.names()?.first().ok_or_else(|| garbled("variant"))?;
        let is_there = variants.get(index as usize) == Some(&&**variant);
        self.agrees &= is_there;
        let by_index = self.by_position && is_there;
        let result = visitor.visit_enum(Variant {
            told: self,
            variant,
            index,
            by_index,
        });
        if variants.contains(&&**variant) {
            return result;
        }
        result.map_err(|fault| {
            fault.explained(|| {
                format!(
                    "`{name}` writes its variant `{variant}` and does not read it (`skip_deserializing`, or a `rename` of one of the two)"
                )
            })
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What is left of a sequence, a map, or the fields of a struct, which have names.
struct Items<'a, 'b> {
    told: &'a mut Told<'b>,
    left: usize,
    names: &'b [String],
    /// Whether it is read as a map, and whether the value of a key that was read is next.
    is_map: bool,
    owes_value: bool,
}

impl Items<'_, '_> {
    fn bound(&self) -> usize {
        self.left.min(self.told.reader.bytes.len())
    }

    /// Passes over what is left.
    fn finish(&mut self) -> Result<(), Fault> {
        let mut items = self;
        if items.left > 0 || items.owes_value {
            items.told.agrees = false;
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
        seed.deserialize(&mut *self.told).map(Some)
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
        seed.deserialize(&mut *self.told).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.owes_value = false;
        seed.deserialize(&mut *self.told)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bound())
    }
}

/// A variant, by its name or its number, and what it holds.
struct Variant<'a, 'b> {
    told: &'a mut Told<'b>,
    variant: &'b str,
    index: u32,
    by_index: bool,
}

impl<'de, 'a, 'b> EnumAccess<'de> for Variant<'a, 'b> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let value = seed.deserialize(&self)?;
        Ok((value, self))
    }
}

/// Which variant it is.
impl<'de> de::Deserializer<'de> for &Variant<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.by_index {
            visitor.visit_u32(self.index)
        } else {
            visitor.visit_str(self.variant)
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
        de::Deserialize::deserialize(self.told)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.told.nested(|told| seed.deserialize(told))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.told.kind(Some(Kind::Tuple))? {
            Kind::Tuple => self.told.tuple(self.variant, length, visitor),
            kind => self.told.value(kind, visitor),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.told.kind(Some(Kind::Struct))? {
            Kind::Struct => self.told.fields(self.variant, fields, visitor),
            kind => self.told.value(kind, visitor),
        }
    }
}
