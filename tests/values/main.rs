//! A value arrives as itself or is refused: types with serde's attributes, deep values, texts that are borrowed.

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

/// A value after its way through bytes, or why it is refused.
fn travel<T: TaskValue>(value: &T) -> Result<T, String> {
    T::decode(&value.encode()?)
}

/// These values arrive as they are, in this order and, on another thread, in the other.
///
/// What is known of a type is known to a thread, and should not matter.
#[track_caller]
fn arrive<T>(values: &[T])
where
    T: TaskValue + PartialEq + Debug + Sync,
{
    let check = |value: &T| assert_eq!(travel(value).as_ref(), Ok(value));
    values.iter().for_each(check);
    let backwards = || values.iter().rev().for_each(check);
    std::thread::scope(|scope| scope.spawn(backwards).join().unwrap());
}

/// These values arrive as `serde_json` would have them, which loses what is skipped.
#[track_caller]
fn arrive_as_json<T>(values: &[T])
where
    T: TaskValue + Serialize + DeserializeOwned + PartialEq + Debug,
{
    for value in values {
        let json: T = serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap();
        assert_eq!(travel(value), Ok(json));
    }
}

/// This value is refused, by a message that names all of this.
#[track_caller]
fn is_refused<T: TaskValue + Debug>(value: &T, names: &[&str]) {
    let message = travel(value).unwrap_err();
    for name in names {
        assert!(message.contains(name), "no {name} in: {message}");
    }
}
