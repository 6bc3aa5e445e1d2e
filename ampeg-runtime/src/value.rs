//! What may travel between processes, and how it becomes bytes and a value again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// A result that can be sent from one process to another.
///
/// It holds for every type that implements serde's `Serialize` and `Deserialize` and borrows nothing.
#[diagnostic::on_unimplemented(
    message = "the result of this task cannot be sent between processes",
    label = "`{Self}` cannot be serialized, or borrows something",
    note = "put `#[derive(serde::Serialize, serde::Deserialize)]` on the type and on all types in it",
    note = "if it comes from another crate, look for that crate's `serde` feature"
)]
pub trait TaskValue: Sized + 'static {
    /// Writes the value as bytes.
    ///
    /// # Errors
    ///
    /// What the type's own `Serialize` reports.
    fn encode(&self) -> Result<Vec<u8>, String>;

    /// Reads the value from bytes that `encode` wrote.
    ///
    /// # Errors
    ///
    /// If the bytes are no such value, or the type's own `Deserialize` refuses them.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> TaskValue for T {
    fn encode(&self) -> Result<Vec<u8>, String> {
        encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok(_) => Err("bytes are left over: its Serialize and Deserialize disagree".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Writes anything serializable as bytes.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
    postcard::to_stdvec(value).map_err(|error| error.to_string())
}

/// [`TaskValue`] of one type, with the type erased.
#[derive(Clone, Copy)]
pub struct Codec {
    encode: Encode,
    decode: Decode,
}

type Encode = fn(&dyn Any) -> Result<Vec<u8>, String>;
type Decode = fn(&[u8]) -> Result<Rc<dyn Any>, String>;

impl Codec {
    pub(crate) fn of<T: TaskValue>() -> Self {
        Self {
            encode: |value| {
                let value: &T = value.downcast_ref().ok_or("a value of another type")?;
                value.encode()
            },
            decode: |bytes| Ok(Rc::new(T::decode(bytes)?)),
        }
    }

    /// A codec for what only one side encodes, by other means.
    pub(crate) fn decoding(decode: Decode) -> Self {
        Self {
            encode: |_| Err("a capture is encoded where the graph stands".into()),
            decode,
        }
    }

    pub(crate) fn encode(self, value: &dyn Any) -> Result<Vec<u8>, String> {
        (self.encode)(value)
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Rc<dyn Any>, String> {
        (self.decode)(bytes)
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn value_survives_the_codec() {
        let codec = Codec::of::<Vec<(u8, String)>>();
        let value = vec![(1_u8, "one".to_owned()), (2, "two".to_owned())];
        let bytes = codec.encode(&value).unwrap();
        let back = codec.decode(&bytes).unwrap();
        assert_eq!(back.downcast_ref(), Some(&value));
    }

    #[test]
    fn cut_and_padded_bytes_are_refused() {
        let mut bytes = "some text".to_owned().encode().unwrap();
        bytes.push(0);
        assert!(String::decode(&bytes).unwrap_err().contains("left over"));
        assert!(String::decode(&bytes[..4]).is_err());
    }

    #[test]
    fn value_of_another_type_is_an_error() {
        assert!(Codec::of::<u8>().encode(&"text").is_err());
    }

    #[derive(Serialize, Deserialize)]
    struct Unit;

    #[test]
    fn nothing_is_a_value_too() {
        assert!(Unit.encode().unwrap().is_empty());
        assert!(Unit::decode(&[]).is_ok());
    }
}
