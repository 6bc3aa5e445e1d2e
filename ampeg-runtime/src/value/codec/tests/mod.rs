//! Values survive encoding, and damaged bytes are an error.

use super::*;
use std::collections::BTreeMap;

mod attributes;
mod random;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box(u8, i16),
    Named { name: String, sides: Vec<f32> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    shapes: Vec<Shape>,
    table: BTreeMap<String, Option<i128>>,
    nested: Vec<Vec<u16>>,
    pair: (bool, char),
    units: Vec<()>,
    large: Vec<u64>,
}

fn everything(size: u64) -> Everything {
    Everything {
        shapes: vec![
            Shape::Point,
            Shape::Circle(0.5),
            Shape::Box(1, -2),
            Shape::Named {
                name: "größer".into(),
                sides: vec![1.5; 3],
            },
        ],
        table: [("a".into(), None), ("b".into(), Some(-1))].into(),
        nested: vec![vec![], vec![1, 2], vec![3]],
        pair: (true, 'ß'),
        units: vec![(); 3],
        large: (0..size).collect(),
    }
}

#[test]
fn values_survive_inside_messages_and_in_shared_memory() {
    for size in [0, 10, 100_000] {
        let value = everything(size);
        let payload = encode(&value).unwrap();
        assert_eq!(matches!(payload, Payload::Shared(_)), size == 100_000);
        assert_eq!(decode::<Everything>(&payload).unwrap(), value);
    }
}

#[test]
fn vectors_of_numbers_and_text_survive_at_any_alignment() {
    for length in [0_u32, 1, 7, 50_000] {
        let numbers: Vec<f64> = (0..length).map(f64::from).collect();
        let payload = encode(&numbers).unwrap();
        assert_eq!(payload.len(), 8 * u64::from(length));
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap(), numbers);
        let text = "ä".repeat(length as usize);
        let payload = encode(&text).unwrap();
        assert_eq!(decode::<String>(&payload).unwrap(), text);
    }
    assert!(decode::<Vec<f64>>(&Payload::Inline(smallvec![0; 9])).is_err());
    assert!(decode::<String>(&Payload::Inline(smallvec![0xff])).is_err());
}

#[test]
fn sequence_of_unknown_length_survives() {
    struct Evens(u32);
    impl Serialize for Evens {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..self.0).filter(|number| number % 2 == 0))
        }
    }
    let payload = encode_fields(&Evens(7)).unwrap();
    let owned: Vec<u32> = decode_fields(&payload).unwrap();
    assert_eq!(owned, [0, 2, 4, 6]);
}

#[test]
fn cut_padded_and_garbled_bytes_are_errors() {
    let bytes = encode(&everything(3)).unwrap().bytes().unwrap().to_vec();
    for length in 0..bytes.len() {
        let cut = Payload::Inline(bytes[..length].into());
        decode::<Everything>(&cut).unwrap_err();
    }
    let mut padded = bytes.clone();
    padded.push(0);
    let error = decode::<Everything>(&Payload::Inline(padded.into())).unwrap_err();
    assert!(error.contains("left over"));
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..2_000 {
        let mut garbled = bytes.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..garbled.len());
            garbled[place] = random.u8(..);
        }
        // The result may be a value or an error, but not a panic.
        let _ = decode::<(Vec<Shape>, BTreeMap<String, u8>)>(&Payload::Inline(garbled.into()));
    }
    decode::<Vec<Vec<u8>>>(&Payload::Inline(smallvec![0xff; 64])).unwrap_err();
}

#[test]
fn value_that_differs_each_time_is_refused() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    struct Fickle(AtomicUsize);
    impl Serialize for Fickle {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(0..self.0.fetch_add(1, Ordering::Relaxed))
        }
    }
    encode_fields(&Fickle(AtomicUsize::new(3))).unwrap_err();
}

/// Fields that borrow from the executable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Borrower {
    name: &'static str,
    #[serde(with = "serde_bytes_of")]
    bytes: &'static [u8],
    owned: String,
    list: Vec<(Option<&'static str>, u8)>,
}

mod serde_bytes_of {
    pub(super) fn serialize<S: serde::Serializer>(
        bytes: &&'static [u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de: 'static, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<&'static [u8], D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

#[test]
fn texts_that_are_static_are_kept_once() {
    let value = Borrower {
        name: "größer",
        bytes: b"\0\xff",
        owned: "größer".into(),
        list: vec![(Some("größer"), 1), (None, 2)],
    };
    let payload = encode(&value).unwrap();
    let (one, other) = (decode::<Borrower>(&payload), decode::<Borrower>(&payload));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((&one, &other), (&value, &value));
    assert_eq!(one.name.as_ptr(), other.name.as_ptr());
    assert_eq!(Some(one.name.as_ptr()), one.list[0].0.map(str::as_ptr));
    assert_eq!(one.bytes.as_ptr(), other.bytes.as_ptr());
}

#[test]
fn static_text_arrives_in_an_untagged_enum() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Label {
        Number(u8),
        Text(&'static str),
    }
    let labels = vec![Label::Text("a"), Label::Number(1), Label::Text("")];
    let payload = encode(&labels).unwrap();
    assert_eq!(decode::<Vec<Label>>(&payload).unwrap(), labels);
}
