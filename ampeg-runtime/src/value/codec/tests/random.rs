//! Random values of types with serde's attributes are decoded like those of `serde_json`.

use super::*;
use proptest::prelude::*;
use std::fmt::Debug;

macro_rules! types {
    ($($(#[$attribute:meta])* $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$attribute])*
        #[allow(dead_code, reason = "some variants are never written")]
        $kind $name { $($body)* })*
    };
}

types! {
    struct Fields {
        #[serde(skip_serializing_if = "Option::is_none")] a: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none", rename = "bee")] b: Option<u32>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)] c: Vec<Outer>,
        #[serde(skip)] d: u32,
        #[serde(skip_serializing, default)] e: u32,
        #[serde(skip_deserializing)] f: u32,
        #[serde(alias = "gee")] g: u32,
    }
    enum Outer {
        #[serde(skip)] Never,
        Unit,
        #[serde(rename = "new", alias = "newer")] Newtype(u32),
        #[serde(skip_deserializing)] Old(u8),
        Tuple(u32, Option<String>),
        Struct { #[serde(skip_serializing_if = "Option::is_none")] x: Option<u32>, y: i64 },
        Inner(Inner),
        Loose(Loose),
        Fields(Box<Fields>),
    }
    #[serde(tag = "type")]
    enum Inner { A { x: u32 }, #[serde(skip)] Never, B, C { #[serde(skip_serializing_if = "Option::is_none")] x: Option<u32> } }
    #[serde(untagged)]
    enum Loose { Number(u32), Text(String), Many(Vec<Loose>), Flat(Flat), Rest(Rest) }
    struct Flat { id: u32, #[serde(flatten)] inner: Inner }
    struct Rest { id: u32, #[serde(flatten)] rest: BTreeMap<String, u32> }
    #[serde(tag = "t", content = "c")]
    enum Adjacent { A(u32, u32), B, C { x: Option<u32> }, D(Outer) }
}

const MANNER: Manner = Manner {
    arms: true,
    readable: true,
};

fn inner() -> impl Strategy<Value = Inner> {
    prop_oneof![
        any::<u32>().prop_map(|x| Inner::A { x }),
        Just(Inner::B),
        any::<Option<u32>>().prop_map(|x| Inner::C { x }),
    ]
}

fn flat() -> impl Strategy<Value = Flat> {
    (any::<u32>(), inner()).prop_map(|(id, inner)| Flat { id, inner })
}

fn rest() -> impl Strategy<Value = Rest> {
    let rest = prop::collection::btree_map("[a-e]{2}", any::<u32>(), 0..4);
    (any::<u32>(), rest).prop_map(|(id, rest)| Rest { id, rest })
}

fn loose() -> impl Strategy<Value = Loose> {
    let leaf = prop_oneof![
        any::<u32>().prop_map(Loose::Number),
        ".{0,4}".prop_map(Loose::Text),
        flat().prop_map(Loose::Flat),
        rest().prop_map(Loose::Rest),
    ];
    leaf.prop_recursive(3, 12, 4, |loose| {
        prop::collection::vec(loose, 0..4).prop_map(Loose::Many)
    })
}

fn outer() -> impl Strategy<Value = Outer> {
    let leaf = prop_oneof![
        Just(Outer::Unit),
        any::<u32>().prop_map(Outer::Newtype),
        (any::<u32>(), any::<Option<String>>()).prop_map(|(x, y)| Outer::Tuple(x, y)),
        (any::<Option<u32>>(), any::<i64>()).prop_map(|(x, y)| Outer::Struct { x, y }),
        inner().prop_map(Outer::Inner),
        loose().prop_map(Outer::Loose),
    ];
    leaf.prop_recursive(3, 12, 4, |outer| {
        let options = any::<[Option<u32>; 2]>();
        let numbers = any::<[u32; 4]>();
        (options, prop::collection::vec(outer, 0..3), numbers).prop_map(
            |([a, b], c, [d, e, f, g])| {
                Outer::Fields(Box::new(Fields {
                    a,
                    b,
                    c,
                    d,
                    e,
                    f,
                    g,
                }))
            },
        )
    })
}

fn adjacent() -> impl Strategy<Value = Adjacent> {
    prop_oneof![
        any::<[u32; 2]>().prop_map(|[x, y]| Adjacent::A(x, y)),
        Just(Adjacent::B),
        any::<Option<u32>>().prop_map(|x| Adjacent::C { x }),
        outer().prop_map(Adjacent::D),
    ]
}

/// The decoded value is the one that JSON gives.
fn check<T>(value: &T)
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq + Debug + 'static,
{
    let json: T = serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap();
    assert_eq!(encode(value).and_then(|payload| decode(&payload)), Ok(json));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_as_in_json(values in prop::collection::vec(outer(), 0..4)) {
        check(&values);
        values.iter().for_each(check);
    }

    #[test]
    fn variants_in_other_places_are_as_in_json(values in prop::collection::vec((adjacent(), flat()), 0..4)) {
        check(&values);
        values.iter().for_each(check);
    }

    /// Each case runs on a new thread, which knows no type.
    #[test]
    fn the_first_value_is_as_in_json(value in adjacent(), text in any::<Option<String>>()) {
        std::thread::scope(|scope| scope.spawn(|| check(&(value, text))).join().unwrap());
    }

    #[test]
    fn garbled_descriptions_are_values_or_errors(value in outer(), place in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = described(&value, MANNER).unwrap().bytes().unwrap().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let cut = Payload::Inline(bytes[..place].into()).described();
        decode::<Outer>(&cut).unwrap_err();
        // The result may be a value or an error, but not a panic.
        let _ = decode::<Outer>(&Payload::Inline(bytes.into()).described());
    }
}
