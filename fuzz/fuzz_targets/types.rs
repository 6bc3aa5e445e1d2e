//! Any bytes are decoded or refused as twenty derived types, in both forms. A decoded value survives encoding.
#![no_main]

use ampeg_runtime::TaskValue;
use ampeg_runtime::fuzzing::{compact, described};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$attribute])*
        #[allow(dead_code, reason = "some variants are never read")]
        $kind $name { $($body)* })*

        /// Decodes bytes as each type.
        fn all(bytes: &[u8]) {
            $(each::<$name>(bytes);)*
        }
    };
}

types! {
    struct Empty {}
    struct Numbers { a: u8, b: i16, c: u32, d: i64, e: u128, f: char, g: bool }
    struct Texts { owned: String, lent: Option<&'static str>, boxed: Box<str> }
    struct Lists { bytes: Vec<u8>, lists: Vec<Vec<u16>>, pairs: Vec<(u8, Option<u32>)> }
    struct Maps { texts: BTreeMap<String, u8>, lists: HashMap<u16, Vec<u8>>, kinds: BTreeMap<u8, Plain> }
    struct Options { one: Option<Option<u8>>, two: Result<u8, String>, three: Option<Box<Options>> }
    enum Plain { Unit, Newtype(u32), Tuple(u8, String), Struct { x: u8, y: Option<u8> } }
    enum Skipped { #[serde(skip)] Never, First(u8), #[serde(skip_deserializing)] Old, Second { x: u8 } }
    enum Renamed { #[serde(rename = "x", alias = "y")] X(u8), #[serde(other)] Unknown }
    #[serde(tag = "type")]
    enum Tagged { A { x: u8 }, B, C(Numberless) }
    #[serde(tag = "t", content = "c")]
    enum Adjacent { A(u8, u8), B, C { x: u8 } }
    #[serde(untagged)]
    enum Untagged { Number(u64), Text(String), List(Vec<Untagged>), Fields { x: u8 } }
    struct Numberless { text: String, kind: Option<Plain> }
    struct Conditional { #[serde(skip_serializing_if = "Option::is_none")] x: Option<u8>, y: u8 }
    struct Defaulted { #[serde(default)] x: u8, #[serde(skip)] y: u8, #[serde(skip_serializing, default)] z: u8 }
    struct Aliased { #[serde(alias = "one")] x: u8, #[serde(rename(serialize = "a", deserialize = "b"))] y: Option<u8> }
    struct Flat { id: u8, #[serde(flatten)] inner: Numberless, #[serde(flatten)] rest: BTreeMap<String, u8> }
    struct Tree { children: Vec<Tree>, name: String }
    #[serde(transparent)]
    struct Transparent { inner: Vec<Plain> }
    struct Nested { plain: Plain, tagged: Vec<Tagged>, conditional: (Conditional, Untagged), last: u8 }
}

fn each<T: TaskValue>(bytes: &[u8]) {
    for value in [compact::<T>(bytes), described::<T>(bytes)].into_iter().flatten() {
        // Encoding may refuse a value. A value that was encoded can be decoded.
        if let Ok(payload) = value.encode() {
            T::decode(&payload).unwrap();
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| all(bytes));
