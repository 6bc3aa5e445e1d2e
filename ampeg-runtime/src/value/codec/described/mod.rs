//! Reads the self-describing form: finds fields and variants by their names.
//!
//! For `form`, it reads by position where the names allow it, and records whether the names allow it everywhere.

use super::describe::{Manner, Parts};
use super::interned::{visit_bytes, visit_text};
use super::read::{Reader, cut, garbled};
use super::shape::Kind;
use super::{Fault, attachment};
use items::Items;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, IntoDeserializer, Visitor};
use variant::Variant;

mod explain;
mod items;
mod variant;

/// The name of the struct that `serde_json::value::RawValue` writes. It reads a newtype struct of this name, and
/// expects a map.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Deserializes from a description.
#[derive(Debug)]
pub(super) struct Described<'b> {
    reader: Reader<'b>,
    lists: &'b [Vec<String>],
    manner: Manner,
    /// Whether to read a struct by position if its names are those that the type asks for.
    by_position: bool,
    /// Whether everything that was read so far would be read in the same way from the compact form.
    pub(super) agrees: bool,
}

impl<'b> Described<'b> {
    pub(super) fn new(parts: &'b Parts<'b>, lends: bool, by_position: bool) -> Self {
        Self {
            reader: Reader::new(parts.values, lends),
            lists: &parts.lists,
            manner: parts.manner,
            by_position,
            agrees: true,
        }
    }

    /// Whether all bytes were read.
    pub(super) fn is_done(&self) -> bool {
        self.reader.bytes.is_empty()
    }

    /// The kind of the next value, compared with the kind that the type asks for.
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

    /// Reads the content of a value of this kind.
    fn nested<R>(
        &mut self,
        kind: Kind,
        read: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.reader.depth.begin(kind)?;
        let result = read(self);
        self.reader.depth.end(kind);
        result
    }

    /// Reads a value of this kind, whatever the type asked for.
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
            Kind::Some => self.nested(Kind::Some, |described| visitor.visit_some(described)),
            Kind::Unit => visitor.visit_unit(),
            Kind::Sequence | Kind::Tuple => {
                let left = self.reader.count()?;
                self.items(kind, left, &[], |items| visitor.visit_seq(items))
            }
            Kind::Map => {
                let left = self.reader.count()?;
                self.items(kind, left, &[], |items| visitor.visit_map(items))
            }
            Kind::Struct => {
                let left = self.reader.count()?;
                let names = self.names()?;
                self.by_name(left, names, visitor)
            }
            Kind::Variant => self.variant_as_value(visitor),
        }
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
        self.items(Kind::Struct, left, names, |items| visitor.visit_map(items))
    }

    /// Reads items, and skips those that the type does not read.
    fn items<R>(
        &mut self,
        kind: Kind,
        left: usize,
        names: &'b [String],
        read: impl FnOnce(&mut Items<'_, 'b>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.nested(kind, |described| {
            let mut items = Items {
                described,
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

    /// A variant, if the type does not ask for an enum: its name, or a map from its name to its content.
    fn variant_as_value<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        let _: [u8; 4] = self.reader.take()?;
        let names = self.names()?;
        let name = names.first().ok_or_else(|| garbled("variant"))?;
        if self.reader.bytes.first() == Some(&(Kind::Unit as u8)) {
            self.kind(None)?;
            return visit_text(name, self.reader.lends, visitor);
        }
        self.nested(Kind::Variant, |described| {
            described.by_name(1, names, visitor)
        })
    }

    /// A struct: by position if the type reads the fields that it wrote, otherwise by the names of the fields.
    fn fields<'de, V: Visitor<'de>>(
        &mut self,
        name: &str,
        fields: &[&str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        let written = self.names()?;
        if self.by_position && written == fields && left == fields.len() {
            return self.items(Kind::Struct, left, &[], |items| visitor.visit_seq(items));
        }
        self.agrees &= written == fields;
        self.by_name(left, written, visitor)
            .map_err(|fault| explain::fields(fault, name, written, fields))
    }

    /// A tuple struct, or a tuple in a variant. Its fields have no names, so a missing field cannot be found.
    fn tuple<'de, V: Visitor<'de>>(
        &mut self,
        name: &str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let left = self.reader.count()?;
        if left != length {
            self.agrees = false;
            return Err(explain::tuple(name, left, length));
        }
        self.items(Kind::Tuple, left, &[], |items| visitor.visit_seq(items))
    }
}

macro_rules! asked {
    ($($method:ident $kind:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let kind = self.kind(Some(Kind::$kind))?;
            self.value(kind, visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Described<'_> {
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
        // A value that was written without `Some` is present. Only its kind is looked at here.
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
                visitor.visit_some(self)
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
        if self.manner.arms {
            attachment::arm(name);
        }
        if name == RAW_VALUE {
            return self.deserialize_any(visitor);
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
        self.items(Kind::Tuple, left, &[], |items| visitor.visit_seq(items))
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
                return self.items(Kind::Map, left, &[], |items| {
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
        let result = self.nested(Kind::Variant, |described| {
            visitor.visit_enum(Variant {
                described,
                name: variant,
                index,
                by_index,
            })
        });
        if variants.contains(&&**variant) {
            return result;
        }
        result.map_err(|fault| explain::variant(fault, name, variant))
    }

    fn is_human_readable(&self) -> bool {
        self.manner.readable
    }
}
