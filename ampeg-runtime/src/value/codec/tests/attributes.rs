//! Each pair of serde's attributes on two fields: of a struct, of a variant, and of a tuple.
//!
//! A macro makes a type for each pair. `serde_json` defines the expected result: a value or a refusal.

use super::*;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Samples of a type: one for each combination of present and absent fields.
trait Samples: Sized {
    fn samples() -> Vec<Self>;
}

const OPTIONS: [Option<u32>; 3] = [None, Some(0), Some(7)];

fn samples<T>(make: impl Fn(Option<u32>, Option<u32>, u32) -> T) -> Vec<T> {
    let pairs = OPTIONS.iter().flat_map(|&a| OPTIONS.map(|b| (a, b)));
    pairs.map(|(a, b)| make(a, b, 5)).collect()
}

/// The decoded value is the one that JSON gives. What JSON refuses is refused.
fn is_as_json<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: &T) {
    let json = serde_json::to_string(value)
        .and_then(|text| serde_json::from_str::<T>(&text))
        .map_err(|error| error.to_string());
    let arrived = encode(value).and_then(|payload| decode::<T>(&payload));
    match json {
        Ok(json) => assert_eq!(arrived.as_ref(), Ok(&json), "{value:?}"),
        Err(_) => assert!(arrived.is_err(), "{value:?} arrives as {arrived:?}"),
    }
}

/// Checks values alone, in a list with all others, and after other values of their type.
fn check<T: Samples + Serialize + DeserializeOwned + PartialEq + Debug + 'static>() {
    let samples = T::samples();
    samples.iter().for_each(is_as_json);
    samples.iter().rev().for_each(is_as_json);
    let pairs: Vec<_> = T::samples().into_iter().zip(0_u8..).collect();
    is_as_json(&pairs);
    // On a new thread, which knows no type, each value is the first.
    for index in 0..samples.len() {
        std::thread::scope(|scope| {
            let one = || is_as_json(&T::samples()[index]);
            scope.spawn(one).join().unwrap();
        });
    }
}

macro_rules! pair {
    ($first:tt $second:tt) => {{
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Struct {
            #[serde $first]
            a: Option<u32>,
            #[serde $second]
            b: Option<u32>,
            c: u32,
        }
        impl Samples for Struct {
            fn samples() -> Vec<Self> {
                samples(|a, b, c| Self { a, b, c })
            }
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        enum Enum {
            #[allow(dead_code, reason = "it is never written")]
            #[serde(skip)]
            Never,
            One {
                #[serde $first]
                a: Option<u32>,
                b: Option<u32>,
                #[serde $second]
                c: Option<u32>,
            },
            Other(Struct),
        }
        impl Samples for Enum {
            fn samples() -> Vec<Self> {
                let mut all = samples(|a, b, c| Self::One { a, b: Some(c), c: b });
                all.extend(Struct::samples().into_iter().map(Self::Other));
                all
            }
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "tag")]
        enum Tagged {
            One {
                #[serde $first]
                a: Option<u32>,
                #[serde $second]
                b: Option<u32>,
            },
            Other(Struct),
        }
        impl Samples for Tagged {
            fn samples() -> Vec<Self> {
                let mut all = samples(|a, b, _| Self::One { a, b });
                all.extend(Struct::samples().into_iter().map(Self::Other));
                all
            }
        }
        check::<Struct>();
        check::<Enum>();
        check::<Tagged>();
    }};
}

/// A type for each attribute in the first list with each in the second.
macro_rules! pairs {
    ([$($first:tt)*] $seconds:tt) => { $(pairs!(@one $first $seconds);)* };
    (@one $first:tt [$($second:tt)*]) => { $(pair!($first $second);)* };
}

#[test]
fn fields_with_any_two_attributes_are_as_in_json() {
    pairs! {
        [
            ()
            (default)
            (skip)
            (skip_serializing)
            (skip_deserializing)
            (skip_serializing_if = "Option::is_none")
            (rename = "x", alias = "y")
            (rename(serialize = "out", deserialize = "in"))
        ]
        [
            (skip)
            (skip_serializing, default)
            (skip_deserializing)
            (skip_serializing_if = "Option::is_none")
            (alias = "other", rename(deserialize = "in2"))
        ]
    }
}
