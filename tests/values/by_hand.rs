//! Serde implementations by hand, which may differ from serde's derive.

use crate::{arrive, is_refused};
use ampeg::Shared;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

macro_rules! visitor {
    ($name:ident, $value:ty, $lifetime:lifetime, { $($methods:tt)* }) => {
        struct $name;
        impl<$lifetime> Visitor<$lifetime> for $name {
            type Value = $value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($value))
            }
            $($methods)*
        }
    };
}

/// Leaves out fields without a call of `skip_field`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Silent {
    a: Option<u32>,
    b: Option<u32>,
    c: u32,
}

impl Serialize for Silent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Silent", 3)?;
        if self.a.is_some() {
            fields.serialize_field("a", &self.a)?;
        }
        if self.b.is_some() {
            fields.serialize_field("b", &self.b)?;
        }
        fields.serialize_field("c", &self.c)?;
        fields.end()
    }
}

#[test]
fn fields_may_be_left_out_silently() {
    let silent = |a, b| Silent { a, b, c: 3 };
    arrive(&[
        silent(Some(1), Some(2)),
        silent(None, Some(2)),
        silent(Some(1), None),
        silent(None, None),
    ]);
    arrive(&[vec![silent(Some(1), Some(2)), silent(None, Some(2))]]);
}

/// Written as a list, read as a tuple, as older crates do with arrays.
#[derive(Debug, Clone, PartialEq)]
struct Three([f64; 3]);

impl Serialize for Three {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length is not announced; it is known at the end.
        let mut list = serializer.serialize_seq(None)?;
        self.0
            .iter()
            .try_for_each(|number| list.serialize_element(number))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for Three {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self)
    }
}

/// Announces another length than it has.
#[derive(Debug, Clone, PartialEq)]
struct WrongLength(Vec<u16>);

impl Serialize for WrongLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(100))?;
        self.0
            .iter()
            .try_for_each(|number| list.serialize_element(number))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for WrongLength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Self)
    }
}

#[test]
fn lengths_may_be_wrong_or_unknown() {
    arrive(&[vec![Three([1.0, 2.0, 3.0]); 3]]);
    arrive(&[WrongLength(vec![]), WrongLength(vec![1, 2])]);
    arrive(&[vec![(WrongLength(vec![1, 2]), Three([0.5; 3]), 7)]]);
}

/// Reads a map or a list of two items, and writes a struct.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ByName {
    x: u8,
    y: u8,
}

visitor!(ByNameVisitor, ByName, 'de, {
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByName, A::Error> {
        let (mut x, mut y) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "x" => x = Some(map.next_value()?),
                "y" => y = Some(map.next_value()?),
                other => return Err(A::Error::custom(format!("no {other}"))),
            }
        }
        let missing = || A::Error::custom("too few");
        Ok(ByName { x: x.ok_or_else(missing)?, y: y.ok_or_else(missing)? })
    }
});

impl<'de> Deserialize<'de> for ByName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("ByName", &["x", "y"], ByNameVisitor)
    }
}

/// Reads its fields by position only.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ByPosition {
    x: u8,
    y: u8,
}

visitor!(ByPositionVisitor, ByPosition, 'de, {
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ByPosition, A::Error> {
        let (x, y) = (seq.next_element()?, seq.next_element()?);
        let missing = || A::Error::custom("too few");
        Ok(ByPosition { x: x.ok_or_else(missing)?, y: y.ok_or_else(missing)? })
    }
});

impl<'de> Deserialize<'de> for ByPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("ByPosition", &["x", "y"], ByPositionVisitor)
    }
}

/// Writes its length beside its elements, as arrays of several dimensions do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(usize, Vec<f32>)", into = "(usize, Vec<f32>)")]
struct Checked(Vec<f32>);

impl TryFrom<(usize, Vec<f32>)> for Checked {
    type Error = String;
    fn try_from((length, list): (usize, Vec<f32>)) -> Result<Self, String> {
        if length == list.len() {
            Ok(Self(list))
        } else {
            Err("another length".into())
        }
    }
}

impl From<Checked> for (usize, Vec<f32>) {
    fn from(value: Checked) -> Self {
        (value.0.len(), value.0)
    }
}

#[test]
fn visitors_may_know_one_way_only() {
    arrive(&[ByName { x: 1, y: 2 }]);
    arrive(&[ByPosition { x: 1, y: 2 }]);
    arrive(&[Checked(vec![0.5; 10]), Checked(vec![0.5; 1_000])]);
    arrive(&[vec![(ByPosition { x: 1, y: 2 }, 3); 100]]);
    // No form is right for both types. This is true of serde's formats in general.
    is_refused(
        &(ByName { x: 1, y: 2 }, ByPosition { x: 1, y: 2 }),
        &["ByName"],
    );
}

/// Reads fewer items than it writes.
#[derive(Debug, Clone, PartialEq)]
struct First(u32);

impl Serialize for First {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, 1_u64).serialize(serializer)
    }
}

visitor!(FirstVisitor, First, 'de, {
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<First, A::Error> {
        seq.next_element()?.map(First).ok_or_else(|| A::Error::custom("nothing"))
    }
});

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, FirstVisitor)
    }
}

/// Cannot read the kind of value that it writes.
#[derive(Debug, Clone, PartialEq)]
struct Hopeless;

impl Serialize for Hopeless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("text")
    }
}

impl<'de> Deserialize<'de> for Hopeless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn readers_that_disagree_are_handled_or_refused() {
    arrive(&[vec![(First(1), 2_u8), (First(3), 4)]]);
    is_refused(&Hopeless, &["Hopeless", "does not read what it writes"]);
}

/// Shared memory beside a field that requires the self-describing form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WithShared {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    wave: Shared<[f64]>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FlatShared {
    name: u8,
    #[serde(flatten)]
    inner: WithShared,
}

#[test]
fn shared_memory_arrives_in_any_form() {
    for length in [0, 10, 20_000] {
        let wave = Shared::from_fn(length, |_| 0.5);
        let named = |name: Option<&str>| WithShared {
            name: name.map(str::to_owned),
            wave: wave.clone(),
        };
        arrive(&[named(Some("name")), named(None)]);
        arrive(&[FlatShared {
            name: 1,
            inner: named(None),
        }]);
    }
}
