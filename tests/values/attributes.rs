//! Serde's attributes, one type each.

#![allow(clippy::option_option, reason = "they arrive too")]

use crate::{arrive, arrive_as_json, is_refused};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $(<$($generic:ident),*>)? { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$attribute])*
        #[allow(dead_code, reason = "some variants are never written")]
        $kind $name $(<$($generic),*>)? { $($body)* })*
    };
}

fn seven() -> u8 {
    7
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
mod halved {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes a wider number than the type reads. Formats with names accept this.
    pub(super) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::from(*value) / 2)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        Ok(u8::deserialize(deserializer)? * 2)
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
mod whole_or_not {
    use serde::{Deserialize, Deserializer, Serializer};

    /// A number that is written as an integer if it is whole.
    #[allow(clippy::cast_possible_truncation, reason = "it is whole")]
    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.fract() == 0.0 {
            serializer.serialize_i64(*value as i64)
        } else {
            serializer.serialize_f64(*value)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }
}

types! {
    enum SkippedFirst { #[serde(skip)] Internal, Approved(u32), Denied(u32) }
    enum SkippedInDeserializing { #[serde(skip_deserializing)] Old, Approved(u32), Denied { code: u32 }, Unit }
    enum SkippedInSerializing { #[serde(skip_serializing)] Old(u8), Approved(u32), Denied(u32) }
    enum SkippedInMiddle { A, #[serde(skip)] B, C(String), #[serde(skip)] D(u8), E { x: u8, y: u8 } }
    #[serde(rename_all = "kebab-case")]
    enum Renamed { FirstOne, #[serde(rename = "2nd")] Second(u8), #[serde(alias = "three")] Third { x_y: u8 }, Fourth }
    enum Swapped { #[serde(rename(serialize = "B", deserialize = "A"), alias = "B")] A(u8), #[serde(rename = "C")] B(u8) }
    enum OnlyOneSide { #[serde(rename(serialize = "Written", deserialize = "Read"))] Named(u8), Other }
    enum WithOther { Known(u8), #[serde(other)] Unknown }
    enum SkippedField { A(u8, #[serde(skip)] u8, u8), B { #[serde(skip)] x: u8, y: u8 }, C(#[serde(skip)] u8) }
    enum ConditionalField { A { #[serde(skip_serializing_if = "Option::is_none", default)] x: Option<u8>, y: u8 }, B }
    enum ConditionalInTuple { A(#[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8), B }

    #[serde(tag = "kind")]
    enum Tagged { A { x: u8, y: String }, B, C(Inner) }
    #[serde(tag = "kind", content = "content")]
    enum Adjacent { A(u8, String), B, C { x: Option<u8> }, D(Vec<Inner>) }
    #[serde(untagged)]
    enum Untagged { Number(u32), Text(String), Pair(u8, i64), Fields { x: Option<Option<u8>> }, Many(Vec<Untagged>), Unit }
    enum PartlyUntagged { A(u8), B { x: u8 }, #[serde(untagged)] Rest(String) }
    #[serde(from = "u32", into = "u32")]
    enum Converted { Zero, More(u32) }
    #[serde(rename_all = "lowercase")]
    enum Holds { Renamed(Renamed), Skipped(SkippedFirst), Tagged(Tagged), Both(Box<(Untagged, SkippedInMiddle)>) }

    struct Inner { a: u8, b: Option<String> }
    struct SkippedBothWays { #[serde(skip)] cache: u8, x: u8, y: u8 }
    struct ShiftedFields { #[serde(skip_serializing, default)] debit: u8, #[serde(skip_deserializing)] credit: u8 }
    struct NotWritten { #[serde(skip_serializing)] secret: u8, name: u8 }
    struct NotRead { name: u8, #[serde(skip_deserializing)] secret: u8 }
    #[serde(deny_unknown_fields)]
    struct NotReadDenied { name: u8, #[serde(skip_deserializing)] secret: u8 }
    struct Conditional { #[serde(skip_serializing_if = "Option::is_none")] x: Option<u8>, #[serde(skip_serializing_if = "Option::is_none")] y: Option<u8>, z: u8 }
    struct ConditionalWithoutDefault { #[serde(skip_serializing_if = "is_zero")] count: u8, z: u8 }
    struct ConditionalWithDefault { #[serde(skip_serializing_if = "is_seven", default = "seven")] count: u8, z: u8 }
    #[serde(default)]
    #[derive(Default)]
    struct AllDefault { #[serde(skip_serializing_if = "is_zero")] a: u8, #[serde(skip_serializing_if = "is_zero")] b: u8 }
    #[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
    struct OtherNames { one_two: u8, three_four: u8 }
    #[serde(rename_all = "SCREAMING-KEBAB-CASE")]
    struct SameNames { one_two: u8, three_four: u8 }
    struct Aliased { #[serde(alias = "first", alias = "uno")] one: u8, #[serde(alias = "second")] two: u8 }
    struct Crossed { #[serde(rename(serialize = "b", deserialize = "a"))] a: u8, #[serde(rename(serialize = "a", deserialize = "b"))] b: u8 }
    #[serde(transparent)]
    struct Transparent { inner: Conditional }
    struct With { #[serde(with = "halved")] x: u8, y: u8 }
    struct WholeOrNot { #[serde(with = "whole_or_not")] x: f64, #[serde(with = "whole_or_not")] y: f64 }
    struct Flat { id: u8, #[serde(flatten)] inner: Inner, #[serde(flatten)] rest: BTreeMap<String, u32> }
    struct FlatEnum { id: u8, #[serde(flatten)] kind: Renamed }
    struct FlatTagged { id: u8, #[serde(flatten)] kind: Tagged }
    struct FlatOption { id: u8, #[serde(flatten)] inner: Option<Inner> }
    struct FlatConditional { #[serde(flatten)] inner: Conditional, last: f32 }
    struct Generic<T, U> { one: Vec<T>, #[serde(skip_serializing_if = "Option::is_none")] two: Option<U>, three: u8 }
    struct Deep { list: Vec<BTreeMap<u8, (Conditional, Option<SkippedInMiddle>)>>, after: u64 }
    struct Values { any: serde_json::Value, list: Vec<serde_json::Value>, after: u8 }
    struct OptionalValue { value: Option<serde_json::Map<String, serde_json::Value>> }
    struct Keys { by: HashMap<Renamed2, u8>, ranks: BTreeMap<Rank, String> }
    #[serde(bound = "")]
    struct Bound { #[serde(borrow)] text: std::borrow::Cow<'static, str>, owned: String }
    #[serde(rename = "Inner")]
    struct NamedLikeAnother { b: Option<String>, a: u8, first: Inner }
    #[serde(try_from = "(u8, u8)", into = "(u8, u8)")]
    struct TriedFrom { x: u8, y: u8 }
    #[serde(expecting = "whatever")]
    struct Empty {}
    struct Defaulted { #[serde(default = "seven")] a: u8, #[serde(default)] b: Option<u8> }
    struct Skips { #[serde(skip_serializing_if = "Vec::is_empty", default)] many: Vec<Skips>, x: u8 }
    struct Numbers { small: i8, large: i128, huge: u128, letter: char, half: f32, nothing: (), unit: Unit, pair: (u8, (u16, bool)) }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Renamed2 {
    #[serde(skip_deserializing)]
    #[allow(dead_code, reason = "it is there to move the others")]
    Never,
    #[serde(rename = "x")]
    First,
    Second,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Rank {
    #[serde(skip)]
    #[allow(dead_code, reason = "it is there to move the others")]
    Zero,
    One,
    Two,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newtype(#[serde(with = "halved")] u8);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tuple(u8, #[serde(skip)] u8, u8);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ConditionalTuple(
    #[serde(skip_serializing_if = "Option::is_none")] Option<u8>,
    u8,
);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct DefaultedTuple(
    #[serde(skip_serializing_if = "Option::is_none")] Option<u8>,
    Option<u8>,
);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "std::ops::Range<u8>")]
struct RangeOf {
    start: u8,
    #[serde(rename(serialize = "to", deserialize = "end"), alias = "to")]
    end: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remote {
    #[serde(with = "RangeOf")]
    range: std::ops::Range<u8>,
    after: u8,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(value: &u8) -> bool {
    *value == 0
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_seven(value: &u8) -> bool {
    *value == 7
}

impl From<u32> for Converted {
    fn from(number: u32) -> Self {
        if number == 0 {
            Self::Zero
        } else {
            Self::More(number)
        }
    }
}

impl From<Converted> for u32 {
    fn from(value: Converted) -> Self {
        match value {
            Converted::Zero => 0,
            Converted::More(number) => number,
        }
    }
}

impl TryFrom<(u8, u8)> for TriedFrom {
    type Error = String;
    fn try_from((x, y): (u8, u8)) -> Result<Self, String> {
        if x > y {
            return Err("too large".into());
        }
        Ok(Self { x, y })
    }
}

impl From<TriedFrom> for (u8, u8) {
    fn from(value: TriedFrom) -> Self {
        (value.x, value.y)
    }
}

fn inner(b: Option<&str>) -> Inner {
    Inner {
        a: 3,
        b: b.map(str::to_owned),
    }
}

#[test]
fn variants_after_a_skipped_one_keep_their_place() {
    arrive(&[SkippedFirst::Approved(2), SkippedFirst::Denied(3)]);
    arrive(&[
        SkippedInDeserializing::Approved(2),
        SkippedInDeserializing::Denied { code: 4 },
        SkippedInDeserializing::Unit,
    ]);
    arrive(&[
        SkippedInSerializing::Approved(2),
        SkippedInSerializing::Denied(3),
    ]);
    arrive(&[
        SkippedInMiddle::A,
        SkippedInMiddle::C("c".into()),
        SkippedInMiddle::E { x: 1, y: 2 },
    ]);
    arrive(&[
        Holds::Skipped(SkippedFirst::Denied(1)),
        Holds::Renamed(Renamed::Fourth),
        Holds::Tagged(Tagged::B),
    ]);
    arrive(&[Holds::Both(Box::new((
        Untagged::Number(1),
        SkippedInMiddle::C("d".into()),
    )))]);
    arrive(&[Keys {
        by: [(Renamed2::First, 1), (Renamed2::Second, 2)].into(),
        ranks: [(Rank::One, "one".into()), (Rank::Two, "two".into())].into(),
    }]);
    arrive(&[HashMap::from([(Rank2::B, vec![Rank2::C])])]);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Rank2 {
    #[serde(skip_deserializing)]
    #[allow(dead_code, reason = "it is there to move the others")]
    A,
    B,
    C,
}

#[test]
fn variants_that_are_not_read_are_refused_by_name() {
    is_refused(
        &SkippedFirst::Internal,
        &["SkippedFirst", "Internal", "`skip`"],
    );
    is_refused(
        &SkippedInDeserializing::Old,
        &["SkippedInDeserializing", "Old", "`skip_deserializing`"],
    );
    is_refused(
        &SkippedInSerializing::Old(1),
        &["SkippedInSerializing", "Old", "`skip_serializing`"],
    );
    is_refused(
        &OnlyOneSide::Named(1),
        &["OnlyOneSide", "Written", "`rename`"],
    );
    arrive(&[OnlyOneSide::Other]);
}

#[test]
fn names_of_variants_decide() {
    arrive(&[
        Renamed::FirstOne,
        Renamed::Second(2),
        Renamed::Third { x_y: 3 },
        Renamed::Fourth,
    ]);
    arrive(&[Swapped::A(1), Swapped::B(2)]);
    arrive(&[WithOther::Known(3), WithOther::Unknown]);
    arrive(&[Converted::Zero, Converted::More(3)]);
    arrive_as_json(&[
        SkippedField::A(1, 2, 3),
        SkippedField::B { x: 1, y: 2 },
        SkippedField::C(4),
    ]);
    arrive(&[
        ConditionalField::B,
        ConditionalField::A { x: Some(1), y: 2 },
        ConditionalField::A { x: None, y: 2 },
    ]);
}

#[test]
fn enums_without_an_outer_tag_arrive() {
    arrive(&[
        Tagged::A {
            x: 1,
            y: "y".into(),
        },
        Tagged::B,
        Tagged::C(inner(None)),
    ]);
    arrive(&[
        Adjacent::B,
        Adjacent::A(1, "a".into()),
        Adjacent::C { x: None },
        Adjacent::D(vec![inner(Some("b"))]),
    ]);
    arrive(&[
        Untagged::Number(1),
        Untagged::Text("t".into()),
        Untagged::Pair(1, -1),
        Untagged::Fields { x: Some(Some(3)) },
        Untagged::Many(vec![Untagged::Number(3), Untagged::Text("u".into())]),
        Untagged::Unit,
    ]);
    arrive(&[
        PartlyUntagged::A(1),
        PartlyUntagged::B { x: 2 },
        PartlyUntagged::Rest("r".into()),
    ]);
}

#[test]
fn fields_that_are_left_out_move_no_others() {
    let (some, no) = (Some(4), None);
    arrive(&[
        Conditional {
            x: some,
            y: no,
            z: 1,
        },
        Conditional {
            x: no,
            y: some,
            z: 1,
        },
        Conditional {
            x: some,
            y: some,
            z: 2,
        },
    ]);
    arrive(&[
        ConditionalWithDefault { count: 7, z: 1 },
        ConditionalWithDefault { count: 0, z: 1 },
    ]);
    arrive(&[
        AllDefault { a: 0, b: 1 },
        AllDefault { a: 1, b: 0 },
        AllDefault { a: 1, b: 1 },
    ]);
    arrive(&[Transparent {
        inner: Conditional {
            x: no,
            y: some,
            z: 1,
        },
    }]);
    arrive(&[Skips {
        many: vec![Skips { many: vec![], x: 1 }; 3],
        x: 2,
    }]);
    arrive(&[Deep {
        list: vec![
            [(
                1,
                (
                    Conditional {
                        x: no,
                        y: some,
                        z: 1
                    },
                    Some(SkippedInMiddle::C("c".into()))
                )
            )]
            .into();
            3
        ],
        after: 9,
    }]);
    arrive(&[
        Generic {
            one: vec![1_u8, 2],
            two: Some("x".to_owned()),
            three: 3,
        },
        Generic {
            one: vec![1_u8, 2],
            two: None,
            three: 3,
        },
    ]);
    arrive(&[Generic {
        one: vec![Tagged::B],
        two: Some(Untagged::Unit),
        three: 3,
    }]);
    arrive_as_json(&[SkippedBothWays {
        cache: 1,
        x: 2,
        y: 3,
    }]);
    arrive_as_json(&[ShiftedFields {
        debit: 1,
        credit: 2,
    }]);
    arrive_as_json(&[NotRead { name: 1, secret: 2 }]);
    arrive_as_json(&[Tuple(1, 2, 3)]);
}

#[test]
fn fields_that_cannot_be_found_are_refused_by_name() {
    is_refused(
        &NotWritten { secret: 1, name: 2 },
        &["NotWritten", "`secret`", "`skip_serializing`"],
    );
    is_refused(
        &NotReadDenied { name: 1, secret: 2 },
        &["NotReadDenied", "`secret`", "`skip_deserializing`"],
    );
    is_refused(
        &ConditionalWithoutDefault { count: 0, z: 1 },
        &[
            "ConditionalWithoutDefault",
            "`count`",
            "`skip_serializing_if`",
        ],
    );
    is_refused(
        &OtherNames {
            one_two: 1,
            three_four: 2,
        },
        &["OtherNames", "oneTwo", "one_two", "`rename`"],
    );
    is_refused(
        &ConditionalTuple(None, 4),
        &["ConditionalTuple", "`skip_serializing_if`"],
    );
    is_refused(
        &vec![ConditionalTuple(None, 0), ConditionalTuple(Some(0), 4)],
        &["ConditionalTuple"],
    );
    is_refused(
        &DefaultedTuple(None, Some(4)),
        &["DefaultedTuple", "`skip_serializing_if`"],
    );
    is_refused(
        &ConditionalInTuple::A(None, 4),
        &["ConditionalInTuple", "`skip_serializing_if`"],
    );
    arrive(&[ConditionalTuple(Some(1), 4)]);
    arrive(&[ConditionalInTuple::B, ConditionalInTuple::A(Some(1), 4)]);
}

#[test]
fn names_of_fields_decide() {
    arrive(&[SameNames {
        one_two: 1,
        three_four: 2,
    }]);
    arrive(&[Aliased { one: 1, two: 2 }]);
    arrive_as_json(&[Crossed { a: 1, b: 2 }]);
    arrive(&[NamedLikeAnother {
        b: None,
        a: 1,
        first: inner(Some("x")),
    }]);
    arrive(&[Defaulted { a: 1, b: None }, Defaulted { a: 7, b: Some(1) }]);
    arrive(&[Remote {
        range: 1..4,
        after: 9,
    }]);
    arrive(&[TriedFrom { x: 1, y: 2 }]);
    is_refused(&TriedFrom { x: 2, y: 1 }, &["too large"]);
    arrive(&[Empty {}]);
    arrive(&[Bound {
        text: "text".into(),
        owned: "text".into(),
    }]);
}

#[test]
fn values_written_as_another_kind_are_read_as_such() {
    arrive_as_json(&[With { x: 8, y: 3 }]);
    arrive_as_json(&[Newtype(8)]);
    for (x, y) in [(1.5, 2.5), (1.5, 2.0), (2.0, 0.5), (0.5, 0.25)] {
        arrive(&[WholeOrNot { x, y }]);
    }
    arrive(&[WholeOrNot { x: 1.5, y: 2.5 }, WholeOrNot { x: 1.0, y: 2.5 }]);
}

#[test]
fn flattened_fields_arrive() {
    let rest: BTreeMap<_, _> = (0..50).map(|number| (number.to_string(), number)).collect();
    arrive(&[
        Flat {
            id: 1,
            inner: inner(Some("b")),
            rest: rest.clone(),
        },
        Flat {
            id: 1,
            inner: inner(None),
            rest,
        },
    ]);
    arrive(&[
        FlatEnum {
            id: 1,
            kind: Renamed::Second(2),
        },
        FlatEnum {
            id: 1,
            kind: Renamed::Third { x_y: 2 },
        },
    ]);
    arrive(&[
        FlatTagged {
            id: 1,
            kind: Tagged::B,
        },
        FlatTagged {
            id: 1,
            kind: Tagged::C(inner(None)),
        },
    ]);
    arrive(&[
        FlatOption { id: 1, inner: None },
        FlatOption {
            id: 1,
            inner: Some(inner(Some("b"))),
        },
    ]);
    arrive(&[FlatConditional {
        inner: Conditional {
            x: None,
            y: Some(1),
            z: 2,
        },
        last: 0.5,
    }]);
}

#[test]
fn values_of_any_kind_arrive() {
    let any =
        serde_json::json!({ "a": [1, -2, 0.5, null, true, "text"], "b": { "c": {} }, "d": [] });
    arrive(&[any.clone(), serde_json::Value::Null, 3.into()]);
    arrive(&[Values {
        list: vec![any.clone(); 3],
        after: 7,
        any: any.clone(),
    }]);
    arrive(&[
        OptionalValue { value: None },
        OptionalValue {
            value: any.as_object().cloned(),
        },
    ]);
    arrive(&[BTreeMap::from([("x".to_owned(), (any, 1_u8))])]);
}

#[test]
fn plain_types_arrive() {
    arrive(&[Numbers {
        small: -1,
        large: i128::MIN,
        huge: u128::MAX,
        letter: 'ß',
        half: 0.5,
        nothing: (),
        unit: Unit,
        pair: (1, (2, true)),
    }]);
    arrive(&[Ok(1_u8), Err("no".to_owned())]);
    arrive(&[Some(Some(1_u8)), Some(None), None]);
    arrive(&[(
        std::time::Duration::from_millis(3),
        std::net::IpAddr::from([1, 2, 3, 4]),
        1..4,
    )]);
    arrive(&[vec![vec![None, Some(0.5)], vec![], vec![None]]]);
    arrive(&[std::ffi::OsString::from("os")]);
    arrive(&[std::path::PathBuf::from("/a/b")]);
    arrive(&[std::ops::Bound::Included(1), std::ops::Bound::Unbounded]);
}

mod one {
    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    pub(super) enum Status {
        Good,
        Bad,
    }
}

mod two {
    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    pub(super) enum Status {
        Good,
        #[serde(skip_deserializing)]
        #[allow(dead_code, reason = "it is there to move the others")]
        Never,
        #[serde(rename = "Bad")]
        Worse,
    }
}

#[test]
fn types_with_equal_names_are_distinguished() {
    use one::Status;
    arrive(&[
        (Some(Status::Bad), None),
        (Some(Status::Good), Some(two::Status::Good)),
        (None, Some(two::Status::Worse)),
    ]);
}
