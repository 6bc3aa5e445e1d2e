//! A value arrives unchanged or is refused: types with serde's attributes, deep values, borrowed texts.

mod attributes;
mod by_hand;
mod captures;
mod everywhere;
#[path = "../isolated/mod.rs"]
mod isolated;
mod limits;
mod readable;
mod schedules;

use ampeg::TaskValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// The value after encoding and decoding, or the reason why it is refused.
fn round_trip<T: TaskValue>(value: &T) -> Result<T, String> {
    T::decode(&value.encode()?)
}

/// Checks that values arrive unchanged, in this order and, on another thread, in reverse order.
///
/// Each thread collects its own knowledge of a type, which must not change results.
#[track_caller]
fn arrive<T>(values: &[T])
where
    T: TaskValue + PartialEq + Debug + Sync,
{
    let check = |value: &T| assert_eq!(round_trip(value).as_ref(), Ok(value));
    values.iter().for_each(check);
    let backwards = || values.iter().rev().for_each(check);
    std::thread::scope(|scope| scope.spawn(backwards).join().unwrap());
}

/// Checks that values arrive as they do with `serde_json`, which loses skipped fields.
#[track_caller]
fn arrive_as_json<T>(values: &[T])
where
    T: TaskValue + Serialize + DeserializeOwned + PartialEq + Debug,
{
    for value in values {
        let json: T = serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap();
        assert_eq!(round_trip(value), Ok(json));
    }
}

/// Checks that a value is refused with a message that contains all of these names.
#[track_caller]
fn is_refused<T: TaskValue + Debug>(value: &T, names: &[&str]) {
    let message = round_trip(value).unwrap_err();
    for name in names {
        assert!(message.contains(name), "no {name} in: {message}");
    }
}
